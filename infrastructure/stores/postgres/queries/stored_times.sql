-- When these movies were read, as canonical text.
SELECT imdb_id, to_char(scraped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM movies
WHERE imdb_id = ANY (%s)
