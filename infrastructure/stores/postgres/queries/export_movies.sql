-- The movies table as canonical cells, in the order of a finished run: by rank, the rest by id.
SELECT imdb_id, title, original_title, kind, year::text, rating::text, votes::text, duration_minutes::text,
       metascore::text, array_to_string(genres, '|') AS genres, plot, poster_url, certificate, release_date,
       rank::text, source_url,
       to_char(scraped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS scraped_at
FROM movies
ORDER BY movies.rank NULLS LAST, movies.imdb_id
