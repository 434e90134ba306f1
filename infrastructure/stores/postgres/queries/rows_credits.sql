-- The credits table as canonical cells, in the order of its key; positions are ordered as numbers.
SELECT imdb_id, person_id, category, credits.position::text, to_jsonb(characters)::text AS characters
FROM credits
ORDER BY imdb_id, category, credits.position
