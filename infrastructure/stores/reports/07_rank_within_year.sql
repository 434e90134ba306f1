-- Rank within its year: the three best rated titles of each year, votes deciding between equals.
SELECT year, rank_in_year, title, rating, votes, chart_rank, imdb_id
FROM ranks_within_year
WHERE rank_in_year <= 3
ORDER BY year DESC, rank_in_year, imdb_id;
