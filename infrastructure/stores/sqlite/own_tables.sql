-- Run after the tables of the field table are made. Statements end with a semicolon at the end of a line, and hold
-- none elsewhere.

CREATE TABLE IF NOT EXISTS store_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS runs (
    run_id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    chart TEXT,
    asked INTEGER NOT NULL,
    saved INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    complete INTEGER NOT NULL DEFAULT 0,
    started_at TEXT NOT NULL,
    finished_at TEXT
);

CREATE UNIQUE INDEX IF NOT EXISTS runs_key ON runs (site, coalesce(chart, ''), started_at);

CREATE TABLE IF NOT EXISTS chart_entries (
    run_id INTEGER NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    imdb_id TEXT NOT NULL,
    rating REAL,
    votes INTEGER,
    PRIMARY KEY (run_id, rank)
);

CREATE INDEX IF NOT EXISTS credits_person_id_idx ON credits (person_id, category);

CREATE INDEX IF NOT EXISTS charts_imdb_id_idx ON charts (imdb_id);

CREATE VIEW IF NOT EXISTS current_charts AS
SELECT charts.chart, charts.rank, charts.imdb_id, title, year, rating, votes, duration_minutes, metascore,
       (SELECT group_concat(value, ', ') FROM json_each(movies.genres)) AS genres,
       (SELECT group_concat(name, ', ') FROM (
            SELECT name FROM credits JOIN people USING (person_id)
            WHERE credits.imdb_id = charts.imdb_id AND category = 'director' ORDER BY position)) AS directors,
       (SELECT group_concat(name, ', ') FROM (
            SELECT name FROM credits JOIN people USING (person_id)
            WHERE credits.imdb_id = charts.imdb_id AND category = 'cast' ORDER BY position)) AS "cast",
       charts.read_at
FROM charts LEFT JOIN movies ON movies.imdb_id = charts.imdb_id;

CREATE VIEW IF NOT EXISTS complete_runs AS
SELECT run_id, site, chart, started_at, finished_at,
       row_number() OVER (PARTITION BY site, chart ORDER BY finished_at DESC, run_id DESC) AS recency
FROM runs
WHERE complete AND chart IS NOT NULL;

CREATE VIEW IF NOT EXISTS chart_history AS
SELECT site, complete_runs.chart, finished_at AS taken_at, chart_entries.rank, chart_entries.imdb_id, title,
       chart_entries.rating, chart_entries.votes
FROM complete_runs JOIN chart_entries USING (run_id) LEFT JOIN movies ON movies.imdb_id = chart_entries.imdb_id
ORDER BY site, complete_runs.chart, taken_at, chart_entries.rank;

CREATE VIEW IF NOT EXISTS chart_changes AS
SELECT site, chart, imdb_id, max(rank) AS rank, max(rank_before) AS rank_before,
       max(rank_before) - max(rank) AS climbed, max(rating) AS rating, max(rating_before) AS rating_before,
       max(votes) AS votes, max(votes_before) AS votes_before
FROM (
    SELECT site, chart, imdb_id,
           CASE recency WHEN 1 THEN rank END AS rank, CASE recency WHEN 2 THEN rank END AS rank_before,
           CASE recency WHEN 1 THEN rating END AS rating, CASE recency WHEN 2 THEN rating END AS rating_before,
           CASE recency WHEN 1 THEN votes END AS votes, CASE recency WHEN 2 THEN votes END AS votes_before
    FROM complete_runs JOIN chart_entries USING (run_id)
    WHERE recency IN (1, 2)
) AS entries
WHERE EXISTS (SELECT 1 FROM complete_runs AS earlier
              WHERE earlier.site = entries.site AND earlier.chart = entries.chart AND recency = 2)
GROUP BY site, chart, imdb_id;

CREATE VIEW IF NOT EXISTS actor_movies AS
SELECT people.person_id, people.name, movies.imdb_id, movies.title, movies.year, movies.rating,
       credits.position, credits.characters
FROM credits JOIN people USING (person_id) JOIN movies USING (imdb_id)
WHERE credits.category = 'cast';

CREATE VIEW IF NOT EXISTS ranks_within_year AS
SELECT year, rank() OVER (PARTITION BY year ORDER BY rating DESC, votes DESC NULLS LAST) AS rank_in_year,
       imdb_id, title, rating, votes,
       (SELECT min(charts.rank) FROM charts
        WHERE charts.imdb_id = movies.imdb_id AND chart IN ('top250', 'toptv')) AS chart_rank
FROM movies
WHERE year IS NOT NULL AND rating IS NOT NULL;

CREATE VIEW IF NOT EXISTS episodes AS
SELECT series.title AS series, episodes.season, episodes.episode, episodes.title, episodes.rating, episodes.votes,
       episodes.release_date AS date, episodes.imdb_id, episodes.series_id
FROM movies AS episodes LEFT JOIN movies AS series ON series.imdb_id = episodes.series_id
WHERE episodes.series_id IS NOT NULL
ORDER BY series.title, episodes.series_id, episodes.season IS NULL, episodes.season, episodes.episode, episodes.imdb_id;
