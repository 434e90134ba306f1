-- Actors and their movies: what the ten most frequent actors played, from the view actor_movies.
SELECT name, year, title, characters, rating, imdb_id
FROM (
    SELECT actor_movies.*, titles, row_number() OVER (PARTITION BY person_id ORDER BY year NULLS LAST, imdb_id) AS place
    FROM (
        SELECT person_id, count(*) AS titles
        FROM credits
        WHERE category = 'cast'
        GROUP BY person_id
        ORDER BY titles DESC, person_id
        LIMIT 10
    ) AS frequent JOIN actor_movies USING (person_id)
) AS played
WHERE place <= 20
ORDER BY titles DESC, person_id, place;
