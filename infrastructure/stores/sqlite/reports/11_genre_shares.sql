-- Genre shares: in how many titles each genre is named, and what part of all titles with genres that is.
SELECT genre, count(*) AS titles,
       round(100.0 * count(*) / (SELECT count(*) FROM movies WHERE genres IS NOT NULL), 1) AS percent,
       round(avg(rating), 2) AS average_rating
FROM (SELECT DISTINCT imdb_id, rating, value AS genre FROM movies, json_each(genres)) AS named
GROUP BY genre
ORDER BY titles DESC, genre;
