-- Actors and their movies: what the ten most frequent actors played, from the view actor_movies.
SELECT name, year, title, array_to_string(characters, ', ') AS characters, rating, imdb_id
FROM (
    SELECT person_id, count(*) AS titles
    FROM credits
    WHERE category = 'cast'
    GROUP BY person_id
    ORDER BY titles DESC, person_id
    LIMIT 10
) AS frequent CROSS JOIN LATERAL (
    SELECT name, year, title, characters, rating, imdb_id
    FROM actor_movies
    WHERE actor_movies.person_id = frequent.person_id
    ORDER BY year, imdb_id
    LIMIT 20
) AS played
ORDER BY titles DESC, person_id, year, imdb_id;
