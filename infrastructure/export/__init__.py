"""Records handed on to other programs, as CSV, JSON lines or Parquet."""
