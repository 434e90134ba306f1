"""Settings, logging, clock, atomic files, batching: below every layer, imports none of them."""
