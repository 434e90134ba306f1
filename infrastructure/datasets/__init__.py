"""IMDb's data files: checked, joined and sorted by DuckDB into the rows of the stores."""
