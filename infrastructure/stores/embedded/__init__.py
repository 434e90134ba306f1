"""An embedded PostgreSQL server: it needs no setup, and it stops when its last user disconnects."""
