-- The ranks of a database of version 0.1 as the places of the chart that migration 0004 would give them to.
SELECT DISTINCT ON (rank) chart COLLATE "C" AS chart, rank, imdb_id, moment AS read_at
FROM movies, (
    SELECT chart, (SELECT max(scraped_at) FROM movies WHERE rank IS NOT NULL) AS moment
    FROM complete_runs
    WHERE 2 * (SELECT count(*) FROM chart_entries JOIN movies USING (imdb_id, rank)
               WHERE chart_entries.run_id = complete_runs.run_id)
          >= (SELECT count(DISTINCT rank) FROM movies)
    ORDER BY finished_at DESC, run_id DESC
    LIMIT 1
) AS known
WHERE rank IS NOT NULL
ORDER BY rank, scraped_at DESC, imdb_id
