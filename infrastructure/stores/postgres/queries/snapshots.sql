-- Of each chart the last complete runs, oldest first, with their titles in rank order.
SELECT run_id, chart, finished_at, chart_entries.rank, imdb_id, rating, votes
FROM complete_runs JOIN chart_entries USING (run_id)
WHERE recency <= %s
ORDER BY finished_at, run_id, chart_entries.rank
