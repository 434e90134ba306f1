-- Newcomers: titles in the newest complete run of a chart that were not in the one before.
-- Needs two complete runs of a chart.
SELECT chart, chart_changes.rank, title, year, chart_changes.rating, chart_changes.votes, imdb_id
FROM chart_changes LEFT JOIN movies USING (imdb_id)
WHERE rank_before IS NULL
ORDER BY site, chart, chart_changes.rank;
