-- The people that were loaded, with the movie that names each: the newest that credits them, then the smallest id.
INSERT INTO people (person_id, name, named_at, named_by)
SELECT person_id, name, coalesce(scraped_at, '-infinity'), coalesce(imdb_id, '')
FROM loaded_people LEFT JOIN (
    SELECT DISTINCT ON (person_id) person_id, scraped_at, imdb_id
    FROM credits JOIN movies USING (imdb_id)
    ORDER BY person_id, scraped_at DESC, imdb_id
) AS naming USING (person_id)
ORDER BY person_id
