"""A PostgreSQL server that nobody has to set up, and that ends when its last user does."""
