-- Movies as JSON documents with their people, in the order of a finished run.
SELECT json_build_object(
    'imdb_id', imdb_id, 'title', title, 'original_title', original_title, 'kind', kind, 'year', year,
    'rating', rating, 'votes', votes, 'duration_minutes', duration_minutes, 'metascore', metascore,
    'genres', coalesce(genres, '{}'),
    'directors', (
        SELECT coalesce(json_agg(json_build_object('person_id', person_id, 'name', name)
                                 ORDER BY credits.position), '[]')
        FROM credits JOIN people USING (person_id)
        WHERE credits.imdb_id = movies.imdb_id AND category = 'director'),
    'cast', (
        SELECT coalesce(json_agg(json_build_object('person_id', person_id, 'name', name, 'characters', characters)
                                 ORDER BY credits.position), '[]')
        FROM credits JOIN people USING (person_id)
        WHERE credits.imdb_id = movies.imdb_id AND category = 'cast'),
    'plot', plot, 'poster_url', poster_url, 'certificate', certificate, 'release_date', release_date, 'rank', rank,
    'source_url', source_url,
    'scraped_at', to_char(scraped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
FROM movies
ORDER BY movies.rank NULLS LAST, imdb_id
