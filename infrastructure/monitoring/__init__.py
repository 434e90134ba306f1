"""Reports how a run ended: notifications through Apprise, and a metrics file for Prometheus."""
