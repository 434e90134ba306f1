-- The chart of a run with rating and votes as the run saved them, or found them fresh enough. A title that IMDb has
-- moved stands in the run's list under its old id and in the chart under its new one.
SELECT entry.rank, coalesce(saved.imdb_id, moved.imdb_id, entry.imdb_id) AS imdb_id,
       coalesce(saved.rating, moved.rating) AS rating, coalesce(saved.votes, moved.votes) AS votes
FROM chart_entries AS entry
JOIN runs USING (run_id)
LEFT JOIN movies AS saved ON saved.imdb_id = entry.imdb_id AND saved.scraped_at >= %(fresh_since)s
LEFT JOIN charts ON saved.imdb_id IS NULL AND charts.chart = runs.chart AND charts.rank = entry.rank
    AND NOT EXISTS (SELECT FROM chart_entries AS other
                    WHERE other.run_id = entry.run_id AND other.imdb_id = charts.imdb_id)
LEFT JOIN movies AS moved ON moved.imdb_id = charts.imdb_id AND moved.scraped_at >= %(fresh_since)s
WHERE entry.run_id = %(run_id)s
ORDER BY entry.rank
