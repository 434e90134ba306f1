"""Progress displays (live, plain, files, none) behind the port ``Progress``, and the text of a run's summary."""
