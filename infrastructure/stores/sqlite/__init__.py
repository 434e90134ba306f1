"""Movies in one SQLite file, for small installations and for datasette."""
