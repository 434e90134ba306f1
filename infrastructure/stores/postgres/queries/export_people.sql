-- The people table as canonical cells, in the order of its key.
SELECT person_id, name
FROM people
ORDER BY person_id
