-- Movies, people and credits: the same columns as the CSV files, and the function that saves them.
-- Checks of every row avoid regular expressions, which took a tenth of a save's time.

CREATE TABLE IF NOT EXISTS movies (
    imdb_id          text COLLATE "C" PRIMARY KEY
                     CONSTRAINT movies_imdb_id_check CHECK (
                         starts_with(imdb_id, 'tt') AND length(imdb_id) BETWEEN 9 AND 12
                         AND translate(substr(imdb_id, 3), '0123456789', '') = ''),
    title            text NOT NULL CONSTRAINT movies_title_check CHECK (btrim(title, E' \t\r\n') <> ''),
    original_title   text CONSTRAINT movies_original_title_check CHECK (original_title <> ''),
    kind             text CONSTRAINT movies_kind_check CHECK (kind <> ''),
    year             integer CONSTRAINT movies_year_check CHECK (year BETWEEN 1888 AND 9999),
    rating           numeric(3, 1) CONSTRAINT movies_rating_check CHECK (rating BETWEEN 1 AND 10),
    votes            bigint CONSTRAINT movies_votes_check CHECK (votes >= 0),
    duration_minutes integer CONSTRAINT movies_duration_minutes_check CHECK (duration_minutes >= 0),
    metascore        integer CONSTRAINT movies_metascore_check CHECK (metascore BETWEEN 0 AND 100),
    genres           text[] CONSTRAINT movies_genres_check
                     CHECK (cardinality(genres) > 0 AND array_position(genres, '') IS NULL
                            AND array_position(genres, NULL) IS NULL
                            AND array_to_string(genres, '') !~ '\|'),
    plot             text CONSTRAINT movies_plot_check CHECK (plot <> ''),
    poster_url       text CONSTRAINT movies_poster_url_check CHECK (poster_url <> ''),
    certificate      text CONSTRAINT movies_certificate_check CHECK (certificate <> ''),
    release_date     text CONSTRAINT movies_release_date_check
                     CHECK (release_date ~ '^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$'),
    rank             integer CONSTRAINT movies_rank_check CHECK (rank >= 1),
    source_url       text NOT NULL,
    scraped_at       timestamptz NOT NULL
);
COMMENT ON TABLE movies IS 'One title, complete as its page had it; missing is NULL.';

CREATE TABLE IF NOT EXISTS people (
    person_id text COLLATE "C" PRIMARY KEY
              CONSTRAINT people_person_id_check CHECK (
                  starts_with(person_id, 'nm') AND length(person_id) BETWEEN 9 AND 12
                  AND translate(substr(person_id, 3), '0123456789', '') = ''),
    name      text NOT NULL CONSTRAINT people_name_check CHECK (btrim(name, E' \t\r\n') <> ''),
    named_at  timestamptz NOT NULL,
    named_by  text COLLATE "C" NOT NULL
);
COMMENT ON TABLE people IS 'Everybody credited; told apart by id, for names repeat.';
COMMENT ON COLUMN people.named_at IS 'When the movie was read that the name comes from; not in the CSV file.';
COMMENT ON COLUMN people.named_by IS 'The movie that the name comes from; not in the CSV file.';

CREATE TABLE IF NOT EXISTS credits (
    imdb_id    text COLLATE "C" NOT NULL REFERENCES movies ON DELETE CASCADE,
    person_id  text COLLATE "C" NOT NULL REFERENCES people,
    category   text COLLATE "C" NOT NULL
               CONSTRAINT credits_category_check CHECK (category IN ('director', 'cast')),
    position   integer NOT NULL CONSTRAINT credits_position_check CHECK (position >= 1),
    characters text[] NOT NULL CONSTRAINT credits_characters_check CHECK (array_position(characters, NULL) IS NULL),
    PRIMARY KEY (imdb_id, category, position)
);
-- The category is in it so that counting credits by person reads the index alone.
CREATE INDEX IF NOT EXISTS credits_person_id_idx ON credits (person_id, category);
COMMENT ON TABLE credits IS 'Who did what in which movie; position counts from 1 within the category.';

-- People who lost a credit. Those without any left are dropped at the end of a run, without reading the whole table.
CREATE TABLE IF NOT EXISTS people_to_check (
    person_id text COLLATE "C" PRIMARY KEY
);
COMMENT ON TABLE people_to_check IS 'People who may no longer be credited anywhere.';

CREATE OR REPLACE FUNCTION note_lost_credits() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO people_to_check SELECT DISTINCT person_id FROM gone ORDER BY person_id ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER credits_lost AFTER DELETE ON credits
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_lost_credits();

-- Saves a batch of movies with their credits, each as a whole or not at all, and answers how many were written.
-- An older record replaces nothing and names nobody. Rows are locked in the order of their keys, movies before
-- people, so that batches that share actors queue instead of deadlocking. Sequential scans are off because the
-- plans are kept, and are made while the tables are still small. Movies that are new, and most are, need no look
-- for credits that may stay; that look costs every row a tenth of its time.
CREATE OR REPLACE FUNCTION save_movies(batch jsonb) RETURNS bigint
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    written text[];
BEGIN
    WITH stored AS (
        INSERT INTO movies (
            imdb_id, title, original_title, kind, year, rating, votes, duration_minutes, metascore, genres, plot,
            poster_url, certificate, release_date, rank, source_url, scraped_at)
        SELECT
            imdb_id, title, original_title, kind, year, rating, votes, duration_minutes, metascore, genres, plot,
            poster_url, certificate, release_date, rank, source_url, scraped_at
        FROM jsonb_to_recordset(batch -> 'movies') AS new (
            imdb_id text, title text, original_title text, kind text, year integer, rating numeric, votes bigint,
            duration_minutes integer, metascore integer, genres text[], plot text, poster_url text, certificate text,
            release_date text, rank integer, source_url text, scraped_at timestamptz)
        ORDER BY imdb_id
        ON CONFLICT (imdb_id) DO UPDATE SET
            title = excluded.title, original_title = excluded.original_title, kind = excluded.kind,
            year = excluded.year, rating = excluded.rating, votes = excluded.votes,
            duration_minutes = excluded.duration_minutes, metascore = excluded.metascore, genres = excluded.genres,
            plot = excluded.plot, poster_url = excluded.poster_url, certificate = excluded.certificate,
            release_date = excluded.release_date, rank = excluded.rank, source_url = excluded.source_url,
            scraped_at = excluded.scraped_at
        WHERE movies.scraped_at <= excluded.scraped_at
        RETURNING movies.imdb_id)
    SELECT array_agg(imdb_id) INTO written FROM stored;

    INSERT INTO people (person_id, name, named_at, named_by)
    SELECT DISTINCT ON (person_id) person_id, name, scraped_at, imdb_id
    FROM jsonb_to_recordset(batch -> 'credits') AS new (imdb_id text COLLATE "C", person_id text, name text)
    JOIN jsonb_to_recordset(batch -> 'movies') AS naming (imdb_id text COLLATE "C", scraped_at timestamptz)
    USING (imdb_id)
    WHERE imdb_id = ANY (written)
    ORDER BY person_id, scraped_at DESC, imdb_id
    ON CONFLICT (person_id) DO UPDATE SET
        name = excluded.name, named_at = excluded.named_at, named_by = excluded.named_by
    WHERE people.named_at < excluded.named_at
       OR people.named_at = excluded.named_at AND people.named_by > excluded.named_by
       OR people.named_at = excluded.named_at AND people.named_by = excluded.named_by
          AND people.name <> excluded.name;

    IF EXISTS (SELECT FROM credits WHERE imdb_id = ANY (written)) THEN
        DELETE FROM credits AS old
        WHERE old.imdb_id = ANY (written)
          AND NOT EXISTS (
            SELECT
            FROM jsonb_to_recordset(batch -> 'credits') AS new (
                imdb_id text, person_id text, category text, position integer, characters text[])
            WHERE new.imdb_id = old.imdb_id AND new.category = old.category AND new.position = old.position
              AND new.person_id = old.person_id AND new.characters = old.characters);
        INSERT INTO credits (imdb_id, person_id, category, position, characters)
        SELECT imdb_id, person_id, category, position, characters
        FROM jsonb_to_recordset(batch -> 'credits') AS new (
            imdb_id text, person_id text, category text, position integer, characters text[])
        WHERE imdb_id = ANY (written)
        ON CONFLICT (imdb_id, category, position) DO NOTHING;
    ELSE
        INSERT INTO credits (imdb_id, person_id, category, position, characters)
        SELECT imdb_id, person_id, category, position, characters
        FROM jsonb_to_recordset(batch -> 'credits') AS new (
            imdb_id text, person_id text, category text, position integer, characters text[])
        WHERE imdb_id = ANY (written);
    END IF;

    RETURN coalesce(cardinality(written), 0);
END
$$;
