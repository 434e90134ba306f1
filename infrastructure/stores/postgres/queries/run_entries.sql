-- The chart of a run with rating and votes as the run saved them, or found them fresh enough. A title that IMDb has
-- moved stands in the chart under its old id and was saved under its new one; it is the movie of that rank that is not
-- in the chart.
SELECT entry.rank, coalesce(saved.imdb_id, moved.imdb_id, entry.imdb_id) AS imdb_id,
       coalesce(saved.rating, moved.rating) AS rating, coalesce(saved.votes, moved.votes) AS votes
FROM chart_entries AS entry
LEFT JOIN movies AS saved ON saved.imdb_id = entry.imdb_id AND saved.scraped_at >= %(fresh_since)s
LEFT JOIN LATERAL (
    SELECT imdb_id, rating, votes
    FROM movies
    WHERE saved.imdb_id IS NULL AND movies.rank = entry.rank AND movies.scraped_at >= %(fresh_since)s
      AND NOT EXISTS (SELECT FROM chart_entries AS other
                      WHERE other.run_id = entry.run_id AND other.imdb_id = movies.imdb_id)
    ORDER BY imdb_id
    LIMIT 1
) AS moved ON true
WHERE entry.run_id = %(run_id)s
ORDER BY entry.rank
