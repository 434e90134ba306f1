"""The job log: an append-only file of JSON lines that remembers what a run was asked for and how far it came."""
