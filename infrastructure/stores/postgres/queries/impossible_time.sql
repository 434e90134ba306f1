-- A movie that was read at a time that Python and the files cannot have, as infinity or before Christ.
SELECT imdb_id, scraped_at::text
FROM movies
WHERE NOT (scraped_at >= '0001-01-01Z' AND scraped_at < '10000-01-01Z')
ORDER BY imdb_id
LIMIT 1
