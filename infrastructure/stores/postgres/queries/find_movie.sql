-- One movie as its canonical row, and behind it its credits as canonical rows, each with the person's name.
-- A time that Python cannot have, as infinity, comes as it stands: such a movie must not be taken for another.
SELECT imdb_id, title, original_title, kind, year::text, rating::text, votes::text, duration_minutes::text,
       metascore::text, array_to_string(genres, '|'), plot, poster_url, certificate, release_date, rank::text,
       source_url, CASE WHEN scraped_at >= '0001-01-01Z' AND scraped_at < '10000-01-01Z'
            THEN to_char(scraped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            ELSE scraped_at::text END,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                   imdb_id, person_id, category, credits.position::text, to_jsonb(characters)::text, people.name)), '[]')
        FROM credits JOIN people USING (person_id)
        WHERE credits.imdb_id = movies.imdb_id)
FROM movies
WHERE imdb_id = %s
