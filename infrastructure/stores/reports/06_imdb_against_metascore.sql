-- IMDb against Metascore: more than 20% apart, that is 20 points with both on a scale of 100; the widest 50.
SELECT title, year, rating, metascore, CAST(round(rating * 10 - metascore) AS INTEGER) AS apart, imdb_id
FROM movies
WHERE abs(rating * 10 - metascore) > 20
ORDER BY abs(rating * 10 - metascore) DESC, imdb_id
LIMIT 50;
