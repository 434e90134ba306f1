-- How many credits and other titles are stored with these movies.
SELECT imdb_id, (SELECT count(*) FROM credits WHERE credits.imdb_id = movies.imdb_id),
       (SELECT count(*) FROM akas WHERE akas.imdb_id = movies.imdb_id)
FROM movies
WHERE imdb_id = ANY (%s)
