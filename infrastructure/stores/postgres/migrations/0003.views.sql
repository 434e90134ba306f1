-- Views that the reports build on, and that are handy on their own.
-- depends: 0002.history

-- Complete runs of each chart, the newest with recency 1.
CREATE OR REPLACE VIEW complete_runs AS
SELECT run_id, site, chart, started_at, finished_at,
       row_number() OVER (PARTITION BY site, chart ORDER BY finished_at DESC, run_id DESC) AS recency
FROM runs
WHERE complete AND chart IS NOT NULL;

-- The newest complete run of each chart beside the one before: a NULL rank has left, a NULL rank_before is new.
CREATE OR REPLACE VIEW chart_changes AS
SELECT site, chart, imdb_id, new.rank, old.rank AS rank_before, old.rank - new.rank AS climbed,
       new.rating, old.rating AS rating_before, new.votes, old.votes AS votes_before
FROM (SELECT site, chart, entries.* FROM complete_runs JOIN chart_entries AS entries USING (run_id)
      WHERE recency = 1) AS new
FULL JOIN (SELECT site, chart, entries.* FROM complete_runs JOIN chart_entries AS entries USING (run_id)
           WHERE recency = 2) AS old
USING (site, chart, imdb_id)
WHERE EXISTS (SELECT FROM complete_runs AS earlier
              WHERE earlier.site = coalesce(new.site, old.site) AND earlier.chart = coalesce(new.chart, old.chart)
                AND recency = 2);

-- Who plays whom in what.
CREATE OR REPLACE VIEW actor_movies AS
SELECT people.person_id, people.name, movies.imdb_id, movies.title, movies.year, movies.rating,
       credits.position, credits.characters
FROM credits JOIN people USING (person_id) JOIN movies USING (imdb_id)
WHERE credits.category = 'cast';

-- Each movie's place among those of its year.
CREATE OR REPLACE VIEW ranks_within_year AS
SELECT year, rank() OVER (PARTITION BY year ORDER BY rating DESC, votes DESC NULLS LAST) AS rank_in_year,
       imdb_id, title, rating, votes, rank AS chart_rank
FROM movies
WHERE year IS NOT NULL AND rating IS NOT NULL;
