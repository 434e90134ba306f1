SELECT imdb_id FROM movies
