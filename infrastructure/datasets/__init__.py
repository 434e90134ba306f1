"""IMDb's data files: found, checked, joined and sorted by DuckDB into the rows of the stores."""
