-- Biggest climbers: the twenty titles of each chart that rose by most places since the complete run before.
-- Needs two complete runs of a chart.
SELECT chart, climbed, rank, rank_before, title, year, rating, votes_gained, imdb_id
FROM (
    SELECT site, chart, climbed, changes.rank, rank_before, title, year, changes.rating,
           changes.votes - votes_before AS votes_gained, imdb_id,
           row_number() OVER (PARTITION BY site, chart ORDER BY climbed DESC, changes.rank) AS place
    FROM chart_changes AS changes LEFT JOIN movies USING (imdb_id)
    WHERE climbed > 0
) AS climbers
WHERE place <= 20
ORDER BY site, chart, place;
