-- The movies table as canonical cells, in the order of its key.
-- A time that Python cannot have, as infinity, comes as it stands: such a movie must not be taken for another.
SELECT imdb_id, title, original_title, kind, year::text, rating::text, votes::text, duration_minutes::text,
       metascore::text, array_to_string(genres, '|') AS genres, plot, poster_url, certificate, release_date,
       rank::text, source_url,
       CASE WHEN scraped_at >= '0001-01-01Z' AND scraped_at < '10000-01-01Z'
            THEN to_char(scraped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            ELSE scraped_at::text END AS scraped_at
FROM movies
ORDER BY imdb_id
