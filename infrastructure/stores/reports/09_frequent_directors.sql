-- Most frequent directors: the twenty with most titles.
SELECT name, titles, person_id
FROM (
    SELECT person_id, count(*) AS titles
    FROM credits
    WHERE category = 'director'
    GROUP BY person_id
    ORDER BY titles DESC, person_id
    LIMIT 20
) AS frequent JOIN people USING (person_id)
ORDER BY titles DESC, person_id;
