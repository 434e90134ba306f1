-- The credits table as canonical cells: as the movies are ordered, directors before cast.
SELECT imdb_id, person_id, category, credits.position::text, to_jsonb(characters)::text AS characters
FROM credits JOIN movies USING (imdb_id)
ORDER BY movies.rank NULLS LAST, imdb_id, category DESC, credits.position
