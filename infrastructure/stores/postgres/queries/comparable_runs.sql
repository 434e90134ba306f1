-- How many complete runs the chart has that was read completely most often.
SELECT coalesce(max(recency), 0) FROM complete_runs
