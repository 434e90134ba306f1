-- Note everybody whom no movie credits, whoever put them there: all people are looked at.
INSERT INTO people_to_check (person_id)
SELECT person_id FROM people
WHERE NOT EXISTS (SELECT FROM credits WHERE credits.person_id = people.person_id)
ORDER BY person_id
ON CONFLICT DO NOTHING
