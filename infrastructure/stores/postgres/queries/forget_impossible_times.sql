-- Let these movies be replaced where they claim to have been read at a time that nothing can be newer than.
UPDATE movies SET scraped_at = '-infinity'
WHERE imdb_id = ANY (%s) AND scraped_at >= '10000-01-01Z'
