-- Drop people whom no movie credits any more, out of those who lost a credit.
WITH checked AS (
    DELETE FROM people_to_check RETURNING person_id
), locked AS (
    SELECT person_id FROM people JOIN checked USING (person_id)
    WHERE NOT EXISTS (SELECT FROM credits WHERE credits.person_id = people.person_id)
    ORDER BY person_id FOR UPDATE OF people
)
DELETE FROM people USING locked WHERE people.person_id = locked.person_id
