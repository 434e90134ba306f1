"""Writes and reads files for other programs: CSV, JSON lines and Parquet."""
