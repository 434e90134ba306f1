-- Leavers: titles that the newest complete run of a chart no longer has.
-- Needs two complete runs of a chart.
SELECT chart, rank_before, title, year, rating_before, votes_before, imdb_id
FROM chart_changes LEFT JOIN movies USING (imdb_id)
WHERE chart_changes.rank IS NULL
ORDER BY site, chart, rank_before;
