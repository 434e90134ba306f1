"""The PostgreSQL store: movies, people and credits, and the history of runs."""
