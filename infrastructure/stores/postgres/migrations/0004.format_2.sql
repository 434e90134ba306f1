-- Storage format 2: charts beside the movies, where records come from, and the columns of complete title records.
-- depends: 0003.views
-- Tables are altered in place, so that grants and users' own objects stay. May be applied again.

SET CONSTRAINTS ALL IMMEDIATE;

CREATE TABLE IF NOT EXISTS akas (
    imdb_id text COLLATE "C" NOT NULL
        CONSTRAINT akas_imdb_id_check CHECK (
            starts_with(imdb_id, 'tt')
            AND length(imdb_id) BETWEEN 9 AND 12
            AND translate(substr(imdb_id, 3), '0123456789', '') = ''),
    position integer NOT NULL CONSTRAINT akas_position_check CHECK (position >= 1),
    title text NOT NULL CONSTRAINT akas_title_check CHECK (btrim(title, E' \t\r\n') <> ''),
    region text CONSTRAINT akas_region_check CHECK (region <> ''),
    language text CONSTRAINT akas_language_check CHECK (language <> ''),
    types text[]
        CONSTRAINT akas_types_check CHECK (
            cardinality(types) > 0
            AND array_position(types, '') IS NULL
            AND array_position(types, NULL) IS NULL),
    attributes text[]
        CONSTRAINT akas_attributes_check CHECK (
            cardinality(attributes) > 0
            AND array_position(attributes, '') IS NULL
            AND array_position(attributes, NULL) IS NULL),
    PRIMARY KEY (imdb_id, position),
    CONSTRAINT akas_imdb_id_fkey FOREIGN KEY (imdb_id) REFERENCES movies ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS charts (
    chart text COLLATE "C" NOT NULL
        CONSTRAINT charts_chart_check CHECK (
            btrim(chart, E' \t\r\n') <> ''),
    rank integer NOT NULL CONSTRAINT charts_rank_check CHECK (rank >= 1),
    imdb_id text COLLATE "C" NOT NULL
        CONSTRAINT charts_imdb_id_check CHECK (
            starts_with(imdb_id, 'tt')
            AND length(imdb_id) BETWEEN 9 AND 12
            AND translate(substr(imdb_id, 3), '0123456789', '') = ''),
    read_at timestamp with time zone NOT NULL
        CONSTRAINT charts_read_at_check CHECK (
            read_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
    PRIMARY KEY (chart, rank)
);

CREATE TABLE IF NOT EXISTS my_ratings (
    imdb_id text COLLATE "C" NOT NULL
        CONSTRAINT my_ratings_imdb_id_check CHECK (
            starts_with(imdb_id, 'tt')
            AND length(imdb_id) BETWEEN 9 AND 12
            AND translate(substr(imdb_id, 3), '0123456789', '') = ''),
    rating integer CONSTRAINT my_ratings_rating_check CHECK (rating BETWEEN 1 AND 10),
    rated_on date
        CONSTRAINT my_ratings_rated_on_check CHECK (
            rated_on BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'),
    rated_text text CONSTRAINT my_ratings_rated_text_check CHECK (rated_text <> ''),
    read_at timestamp with time zone NOT NULL
        CONSTRAINT my_ratings_read_at_check CHECK (
            read_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
    PRIMARY KEY (imdb_id)
);

CREATE TABLE IF NOT EXISTS ratings_history (
    imdb_id text COLLATE "C" NOT NULL
        CONSTRAINT ratings_history_imdb_id_check CHECK (
            starts_with(imdb_id, 'tt')
            AND length(imdb_id) BETWEEN 9 AND 12
            AND translate(substr(imdb_id, 3), '0123456789', '') = ''),
    day date NOT NULL
        CONSTRAINT ratings_history_day_check CHECK (
            day BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'),
    rating numeric(3,1)
        CONSTRAINT ratings_history_rating_check CHECK (
            rating BETWEEN 1
            AND 10),
    votes bigint CONSTRAINT ratings_history_votes_check CHECK (votes >= 0),
    PRIMARY KEY (imdb_id, day)
);

-- For charts that a title is in, and for the history of titles that are rated in lists only.
CREATE INDEX IF NOT EXISTS charts_imdb_id_idx ON charts (imdb_id);

CREATE TABLE IF NOT EXISTS store_state (
    key   text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE store_state IS 'What the program remembers about this store: marker, data directory, loads.';

ALTER TABLE movies
    ADD COLUMN IF NOT EXISTS end_year integer
        CONSTRAINT movies_end_year_check CHECK (
            end_year BETWEEN 1870
            AND 9999),
    ADD COLUMN IF NOT EXISTS released date
        CONSTRAINT movies_released_check CHECK (
            released BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'),
    ADD COLUMN IF NOT EXISTS release_country text
        CONSTRAINT movies_release_country_check CHECK (
            release_country <> ''),
    ADD COLUMN IF NOT EXISTS series_id text COLLATE "C"
        CONSTRAINT movies_series_id_check CHECK (
            starts_with(series_id, 'tt')
            AND length(series_id) BETWEEN 9 AND 12
            AND translate(substr(series_id, 3), '0123456789', '') = ''),
    ADD COLUMN IF NOT EXISTS season integer CONSTRAINT movies_season_check CHECK (season >= 0),
    ADD COLUMN IF NOT EXISTS episode integer CONSTRAINT movies_episode_check CHECK (episode >= 0),
    ADD COLUMN IF NOT EXISTS seasons integer CONSTRAINT movies_seasons_check CHECK (seasons >= 0),
    ADD COLUMN IF NOT EXISTS episodes integer CONSTRAINT movies_episodes_check CHECK (episodes >= 0),
    ADD COLUMN IF NOT EXISTS countries text[]
        CONSTRAINT movies_countries_check CHECK (
            cardinality(countries) > 0
            AND array_position(countries, '') IS NULL
            AND array_position(countries, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS languages text[]
        CONSTRAINT movies_languages_check CHECK (
            cardinality(languages) > 0
            AND array_position(languages, '') IS NULL
            AND array_position(languages, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS keywords text[]
        CONSTRAINT movies_keywords_check CHECK (
            cardinality(keywords) > 0
            AND array_position(keywords, '') IS NULL
            AND array_position(keywords, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS taglines text[]
        CONSTRAINT movies_taglines_check CHECK (
            cardinality(taglines) > 0
            AND array_position(taglines, '') IS NULL
            AND array_position(taglines, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS companies text[]
        CONSTRAINT movies_companies_check CHECK (
            cardinality(companies) > 0
            AND array_position(companies, '') IS NULL
            AND array_position(companies, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS production_status text
        CONSTRAINT movies_production_status_check CHECK (
            production_status <> ''),
    ADD COLUMN IF NOT EXISTS is_adult boolean,
    ADD COLUMN IF NOT EXISTS budget bigint CONSTRAINT movies_budget_check CHECK (budget >= 0),
    ADD COLUMN IF NOT EXISTS budget_currency text
        CONSTRAINT movies_budget_currency_check CHECK (
            budget_currency <> ''),
    ADD COLUMN IF NOT EXISTS gross_worldwide bigint
        CONSTRAINT movies_gross_worldwide_check CHECK (
            gross_worldwide >= 0),
    ADD COLUMN IF NOT EXISTS gross_domestic bigint
        CONSTRAINT movies_gross_domestic_check CHECK (
            gross_domestic >= 0),
    ADD COLUMN IF NOT EXISTS gross_currency text CONSTRAINT movies_gross_currency_check CHECK (gross_currency <> ''),
    ADD COLUMN IF NOT EXISTS award_wins integer CONSTRAINT movies_award_wins_check CHECK (award_wins >= 0),
    ADD COLUMN IF NOT EXISTS award_nominations integer
        CONSTRAINT movies_award_nominations_check CHECK (
            award_nominations >= 0),
    ADD COLUMN IF NOT EXISTS oscar_wins integer CONSTRAINT movies_oscar_wins_check CHECK (oscar_wins >= 0),
    ADD COLUMN IF NOT EXISTS popularity_rank integer
        CONSTRAINT movies_popularity_rank_check CHECK (
            popularity_rank >= 1),
    ADD COLUMN IF NOT EXISTS user_reviews integer CONSTRAINT movies_user_reviews_check CHECK (user_reviews >= 0),
    ADD COLUMN IF NOT EXISTS critic_reviews integer
        CONSTRAINT movies_critic_reviews_check CHECK (
            critic_reviews >= 0),
    ADD COLUMN IF NOT EXISTS cast_total integer CONSTRAINT movies_cast_total_check CHECK (cast_total >= 0),
    ADD COLUMN IF NOT EXISTS color text[]
        CONSTRAINT movies_color_check CHECK (
            cardinality(color) > 0
            AND array_position(color, '') IS NULL
            AND array_position(color, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS aspect_ratios text[]
        CONSTRAINT movies_aspect_ratios_check CHECK (
            cardinality(aspect_ratios) > 0
            AND array_position(aspect_ratios, '') IS NULL
            AND array_position(aspect_ratios, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS sound_mixes text[]
        CONSTRAINT movies_sound_mixes_check CHECK (
            cardinality(sound_mixes) > 0
            AND array_position(sound_mixes, '') IS NULL
            AND array_position(sound_mixes, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS locations text[]
        CONSTRAINT movies_locations_check CHECK (
            cardinality(locations) > 0
            AND array_position(locations, '') IS NULL
            AND array_position(locations, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS source text CONSTRAINT movies_source_check CHECK (source <> ''),
    ADD COLUMN IF NOT EXISTS dataset_day date
        CONSTRAINT movies_dataset_day_check CHECK (
            dataset_day BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'),
    ADD COLUMN IF NOT EXISTS incomplete text[]
        CONSTRAINT movies_incomplete_check CHECK (
            array_position(incomplete, '') IS NULL
            AND array_position(incomplete, NULL) IS NULL);

ALTER TABLE people
    ADD COLUMN IF NOT EXISTS source text CONSTRAINT people_source_check CHECK (source <> ''),
    ADD COLUMN IF NOT EXISTS born text
        CONSTRAINT people_born_check CHECK (
            born ~ '^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$'),
    ADD COLUMN IF NOT EXISTS died text
        CONSTRAINT people_died_check CHECK (
            died ~ '^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$'),
    ADD COLUMN IF NOT EXISTS birth_place text CONSTRAINT people_birth_place_check CHECK (birth_place <> ''),
    ADD COLUMN IF NOT EXISTS professions text[]
        CONSTRAINT people_professions_check CHECK (
            cardinality(professions) > 0
            AND array_position(professions, '') IS NULL
            AND array_position(professions, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS picture_url text CONSTRAINT people_picture_url_check CHECK (picture_url <> ''),
    ADD COLUMN IF NOT EXISTS known_for text[]
        CONSTRAINT people_known_for_check CHECK (
            cardinality(known_for) > 0
            AND array_position(known_for, '') IS NULL
            AND array_position(known_for, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS details_read_at timestamp with time zone
        CONSTRAINT people_details_read_at_check CHECK (
            details_read_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'),
    ADD COLUMN IF NOT EXISTS details_source text CONSTRAINT people_details_source_check CHECK (details_source <> '');

ALTER TABLE credits
    ADD COLUMN IF NOT EXISTS job text[]
        CONSTRAINT credits_job_check CHECK (
            cardinality(job) > 0
            AND array_position(job, '') IS NULL
            AND array_position(job, NULL) IS NULL),
    ADD COLUMN IF NOT EXISTS attributes text[]
        CONSTRAINT credits_attributes_check CHECK (
            cardinality(attributes) > 0
            AND array_position(attributes, '') IS NULL
            AND array_position(attributes, NULL) IS NULL);

-- The rank of a movie did not say which chart it is of. It is the newest complete run's whose chart has at least half
-- of the ranks, or the chart that the program knows from elsewhere. Of two titles with one rank the later reading
-- keeps it. Ranks without a chart are kept in store_state until the program has written them to a file.
DO $$
DECLARE
    known text := nullif(current_setting('filmledger.chart', true), '');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'movies'::regclass AND attname = 'rank'
                   AND NOT attisdropped) THEN
        RETURN;
    END IF;
    UPDATE movies SET scraped_at = TIMESTAMPTZ '1970-01-01 00:00:00+00'
    WHERE NOT scraped_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00';
    IF known IS NULL THEN
        SELECT chart INTO known FROM complete_runs
        WHERE 2 * (SELECT count(*) FROM chart_entries JOIN movies USING (imdb_id, rank)
                   WHERE chart_entries.run_id = complete_runs.run_id)
              >= (SELECT count(DISTINCT rank) FROM movies)
          AND EXISTS (SELECT FROM movies WHERE rank IS NOT NULL)
        ORDER BY finished_at DESC, run_id DESC LIMIT 1;
    END IF;
    INSERT INTO charts (chart, rank, imdb_id, read_at)
    SELECT DISTINCT ON (rank) known, rank, imdb_id, (SELECT max(scraped_at) FROM movies WHERE rank IS NOT NULL)
    FROM movies WHERE rank IS NOT NULL AND known IS NOT NULL
    ORDER BY rank, scraped_at DESC, imdb_id
    ON CONFLICT DO NOTHING;
    INSERT INTO store_state (key, value)
    SELECT 'ranks_before', json_agg(json_build_array(
        rank, imdb_id, to_char(scraped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) ORDER BY rank, imdb_id)
    FROM movies
    WHERE rank IS NOT NULL
      AND NOT EXISTS (SELECT FROM charts WHERE chart = known AND (charts.rank, charts.imdb_id) = (movies.rank, movies.imdb_id))
    HAVING count(*) > 0
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
END
$$;

-- The same columns as before; the place is that of the chart of the best.
CREATE OR REPLACE VIEW ranks_within_year AS
SELECT year, rank() OVER (PARTITION BY year ORDER BY rating DESC, votes DESC NULLS LAST) AS rank_in_year,
       imdb_id, title, rating, votes,
       (SELECT min(charts.rank) FROM charts
        WHERE charts.imdb_id = movies.imdb_id AND chart IN ('top250', 'toptv')) AS chart_rank
FROM movies
WHERE year IS NOT NULL AND rating IS NOT NULL;

DROP INDEX IF EXISTS movies_rank_idx;
ALTER TABLE movies DROP COLUMN IF EXISTS rank;
UPDATE movies SET source_url = 'https://www.imdb.com/title/' || imdb_id || '/' WHERE btrim(source_url, E' \t\r\n') = '';
UPDATE movies SET released = release_date::date
WHERE released IS NULL AND length(release_date) = 10
  AND substr(release_date, 9)::integer <= extract(day FROM
      (substr(release_date, 1, 7) || '-01')::date + INTERVAL '1 month' - INTERVAL '1 day');
ALTER TABLE movies
    DROP CONSTRAINT IF EXISTS movies_year_check,
    ADD CONSTRAINT movies_year_check CHECK (
        year BETWEEN 1870 AND 9999),
    DROP CONSTRAINT IF EXISTS movies_genres_check,
    ADD CONSTRAINT movies_genres_check CHECK (
        cardinality(genres) > 0 AND array_position(genres, '') IS NULL AND array_position(genres, NULL) IS NULL),
    DROP CONSTRAINT IF EXISTS movies_source_url_check,
    ADD CONSTRAINT movies_source_url_check CHECK (
        btrim(source_url, E' \t\r\n') <> ''),
    DROP CONSTRAINT IF EXISTS movies_scraped_at_check,
    ADD CONSTRAINT movies_scraped_at_check CHECK (
        scraped_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00');

-- Names are no longer tied to a movie, and people stay.
DROP TRIGGER IF EXISTS credits_lost ON credits;
DROP FUNCTION IF EXISTS note_lost_credits();
DROP FUNCTION IF EXISTS save_movies(jsonb);
DROP TABLE IF EXISTS people_to_check;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'people'::regclass AND attname = 'named_at'
               AND NOT attisdropped) THEN
        ALTER TABLE people RENAME COLUMN named_at TO read_at;
    END IF;
END
$$;
ALTER TABLE people DROP COLUMN IF EXISTS named_by, ALTER COLUMN read_at DROP NOT NULL;
UPDATE people SET read_at = NULL
WHERE NOT read_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00';
ALTER TABLE people
    DROP CONSTRAINT IF EXISTS people_read_at_check,
    ADD CONSTRAINT people_read_at_check CHECK (
        read_at BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00');

ALTER TABLE credits DROP CONSTRAINT IF EXISTS credits_category_check, ALTER COLUMN characters DROP NOT NULL;
UPDATE credits SET characters = nullif(array_remove(characters, ''), '{}')
WHERE cardinality(characters) = 0 OR array_position(characters, '') IS NOT NULL;
ALTER TABLE credits
    DROP CONSTRAINT IF EXISTS credits_category_check,
    ADD CONSTRAINT credits_category_check CHECK (
        btrim(category, E' \t\r\n') <> ''),
    DROP CONSTRAINT IF EXISTS credits_characters_check,
    ADD CONSTRAINT credits_characters_check CHECK (
        cardinality(characters) > 0 AND array_position(characters, '') IS NULL AND array_position(characters, NULL) IS NULL);

-- The current charts with what a person wants to see; cells are empty where a title is not stored.
CREATE OR REPLACE VIEW current_charts AS
SELECT charts.chart, charts.rank, charts.imdb_id, title, year, rating, votes, duration_minutes, metascore,
       array_to_string(genres, ', ') AS genres,
       (SELECT string_agg(name, ', ' ORDER BY credits.position) FROM credits JOIN people USING (person_id)
        WHERE credits.imdb_id = charts.imdb_id AND category = 'director') AS directors,
       (SELECT string_agg(name, ', ' ORDER BY credits.position) FROM credits JOIN people USING (person_id)
        WHERE credits.imdb_id = charts.imdb_id AND category = 'cast') AS "cast",
       charts.read_at
FROM charts LEFT JOIN movies USING (imdb_id);
COMMENT ON VIEW current_charts IS 'The places of each chart with title, figures and names; empty where a title is not stored.';

CREATE OR REPLACE VIEW top250 AS
SELECT rank, imdb_id, title, year, rating, votes, duration_minutes, metascore, genres, directors, "cast"
FROM current_charts WHERE chart = 'top250' ORDER BY rank;
COMMENT ON VIEW top250 IS 'The 250 best rated movies, by rank.';

CREATE OR REPLACE VIEW toptv AS
SELECT rank, imdb_id, title, year, rating, votes, duration_minutes, metascore, genres, directors, "cast"
FROM current_charts WHERE chart = 'toptv' ORDER BY rank;
COMMENT ON VIEW toptv IS 'The 250 best rated series, by rank.';

CREATE OR REPLACE VIEW moviemeter AS
SELECT rank, imdb_id, title, year, rating, votes, duration_minutes, metascore, genres, directors, "cast"
FROM current_charts WHERE chart = 'moviemeter' ORDER BY rank;
COMMENT ON VIEW moviemeter IS 'The 100 most popular movies, by rank.';

CREATE OR REPLACE VIEW bottom100 AS
SELECT rank, imdb_id, title, year, rating, votes, duration_minutes, metascore, genres, directors, "cast"
FROM current_charts WHERE chart = 'bottom100' ORDER BY rank;
COMMENT ON VIEW bottom100 IS 'The 100 worst rated movies, by rank.';

CREATE OR REPLACE VIEW estimated_top250 AS
SELECT rank, imdb_id, title, year, rating, votes, duration_minutes, metascore, genres, directors, "cast"
FROM current_charts WHERE chart = 'estimated-top250' ORDER BY rank;
COMMENT ON VIEW estimated_top250 IS 'An estimate of the 250 best rated movies by the published formula; not IMDb''s chart.';

CREATE OR REPLACE VIEW estimated_toptv AS
SELECT rank, imdb_id, title, year, rating, votes, duration_minutes, metascore, genres, directors, "cast"
FROM current_charts WHERE chart = 'estimated-toptv' ORDER BY rank;
COMMENT ON VIEW estimated_toptv IS 'An estimate of the 250 best rated series by the published formula; not IMDb''s chart.';

CREATE OR REPLACE VIEW chart_history AS
SELECT site, chart, finished_at AS taken_at, chart_entries.rank, imdb_id, title, chart_entries.rating, chart_entries.votes
FROM complete_runs JOIN chart_entries USING (run_id) LEFT JOIN movies USING (imdb_id)
ORDER BY site, chart, taken_at, chart_entries.rank;
COMMENT ON VIEW chart_history IS 'Each complete run''s chart with rank, rating and votes as that run saw them.';

CREATE OR REPLACE VIEW episodes AS
SELECT series.title AS series, episodes.season, episodes.episode, episodes.title, episodes.rating, episodes.votes,
       episodes.release_date AS date, episodes.imdb_id, episodes.series_id
FROM movies AS episodes LEFT JOIN movies AS series ON series.imdb_id = episodes.series_id
WHERE episodes.series_id IS NOT NULL
ORDER BY series.title, episodes.series_id, episodes.season, episodes.episode, episodes.imdb_id;
COMMENT ON VIEW episodes IS 'The episodes with the title of their series, empty where that is not stored.';

COMMENT ON VIEW complete_runs IS 'Complete runs of each chart, the newest with recency 1.';
COMMENT ON VIEW chart_changes IS 'The newest complete run of each chart beside the one before; NULL rank: has left, NULL rank_before: is new.';
COMMENT ON VIEW actor_movies IS 'Who plays whom in what.';
COMMENT ON VIEW ranks_within_year IS 'Each title''s place by rating among those of its year.';

-- Version 0.1 recorded BASE_URL as it was set, with the user name and password it may carry.
UPDATE runs SET site = regexp_replace(site, '://[^/?#]*@', '://') WHERE site LIKE '%@%';
