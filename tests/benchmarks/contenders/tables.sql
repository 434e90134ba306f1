-- The tables both contenders fill; made anew before each run and not counted.
DROP TABLE IF EXISTS credits, people, movies;
CREATE TABLE movies (
    imdb_id text PRIMARY KEY, title text NOT NULL, original_title text, kind text, year integer, rating numeric(3, 1),
    votes bigint, duration_minutes integer, metascore integer, genres text[], plot text, poster_url text,
    certificate text, release_date text, rank integer, source_url text, scraped_at timestamptz
);
CREATE TABLE people (person_id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE credits (
    imdb_id text NOT NULL REFERENCES movies, person_id text NOT NULL REFERENCES people, category text NOT NULL,
    position integer NOT NULL, characters text[], PRIMARY KEY (imdb_id, person_id, category)
);
