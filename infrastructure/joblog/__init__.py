"""The job log: an append-only file of JSON lines with a run's identity and the outcomes of its jobs."""
