-- A database of version 0.1, made with its demo site; all titles and people are invented.
CREATE FUNCTION public.note_lost_credits() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO people_to_check SELECT DISTINCT person_id FROM gone ORDER BY person_id ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE FUNCTION public.save_movies(batch jsonb) RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
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
CREATE TABLE public._yoyo_log (
    id character varying(36) NOT NULL,
    migration_hash character varying(64),
    migration_id character varying(255),
    operation character varying(10),
    username character varying(255),
    hostname character varying(255),
    comment character varying(255),
    created_at_utc timestamp without time zone
);
CREATE TABLE public._yoyo_migration (
    migration_hash character varying(64) NOT NULL,
    migration_id character varying(255),
    applied_at_utc timestamp without time zone
);
CREATE TABLE public._yoyo_version (
    version integer NOT NULL,
    installed_at_utc timestamp without time zone
);
CREATE TABLE public.credits (
    imdb_id text NOT NULL COLLATE pg_catalog."C",
    person_id text NOT NULL COLLATE pg_catalog."C",
    category text NOT NULL COLLATE pg_catalog."C",
    "position" integer NOT NULL,
    characters text[] NOT NULL,
    CONSTRAINT credits_category_check CHECK ((category = ANY (ARRAY['director'::text, 'cast'::text]))),
    CONSTRAINT credits_characters_check CHECK ((array_position(characters, NULL::text) IS NULL)),
    CONSTRAINT credits_position_check CHECK (("position" >= 1))
);
COMMENT ON TABLE public.credits IS 'Who did what in which movie; position counts from 1 within the category.';
CREATE TABLE public.movies (
    imdb_id text NOT NULL COLLATE pg_catalog."C",
    title text NOT NULL,
    original_title text,
    kind text,
    year integer,
    rating numeric(3,1),
    votes bigint,
    duration_minutes integer,
    metascore integer,
    genres text[],
    plot text,
    poster_url text,
    certificate text,
    release_date text,
    rank integer,
    source_url text NOT NULL,
    scraped_at timestamp with time zone NOT NULL,
    CONSTRAINT movies_certificate_check CHECK ((certificate <> ''::text)),
    CONSTRAINT movies_duration_minutes_check CHECK ((duration_minutes >= 0)),
    CONSTRAINT movies_genres_check CHECK (((cardinality(genres) > 0) AND (array_position(genres, ''::text) IS NULL) AND (array_position(genres, NULL::text) IS NULL) AND (array_to_string(genres, ''::text) !~ '\|'::text))),
    CONSTRAINT movies_imdb_id_check CHECK ((starts_with(imdb_id, 'tt'::text) AND ((length(imdb_id) >= 9) AND (length(imdb_id) <= 12)) AND (translate(substr(imdb_id, 3), '0123456789'::text, ''::text) = ''::text))),
    CONSTRAINT movies_kind_check CHECK ((kind <> ''::text)),
    CONSTRAINT movies_metascore_check CHECK (((metascore >= 0) AND (metascore <= 100))),
    CONSTRAINT movies_original_title_check CHECK ((original_title <> ''::text)),
    CONSTRAINT movies_plot_check CHECK ((plot <> ''::text)),
    CONSTRAINT movies_poster_url_check CHECK ((poster_url <> ''::text)),
    CONSTRAINT movies_rank_check CHECK ((rank >= 1)),
    CONSTRAINT movies_rating_check CHECK (((rating >= (1)::numeric) AND (rating <= (10)::numeric))),
    CONSTRAINT movies_release_date_check CHECK ((release_date ~ '^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$'::text)),
    CONSTRAINT movies_title_check CHECK ((btrim(title, ' 	
'::text) <> ''::text)),
    CONSTRAINT movies_votes_check CHECK ((votes >= 0)),
    CONSTRAINT movies_year_check CHECK (((year >= 1888) AND (year <= 9999)))
);
COMMENT ON TABLE public.movies IS 'One title, complete as its page had it; missing is NULL.';
CREATE TABLE public.people (
    person_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    named_at timestamp with time zone NOT NULL,
    named_by text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT people_name_check CHECK ((btrim(name, ' 	
'::text) <> ''::text)),
    CONSTRAINT people_person_id_check CHECK ((starts_with(person_id, 'nm'::text) AND ((length(person_id) >= 9) AND (length(person_id) <= 12)) AND (translate(substr(person_id, 3), '0123456789'::text, ''::text) = ''::text)))
);
COMMENT ON TABLE public.people IS 'Everybody credited; told apart by id, for names repeat.';
COMMENT ON COLUMN public.people.named_at IS 'When the movie was read that the name comes from; not in the CSV file.';
COMMENT ON COLUMN public.people.named_by IS 'The movie that the name comes from; not in the CSV file.';
CREATE VIEW public.actor_movies AS
 SELECT people.person_id,
    people.name,
    movies.imdb_id,
    movies.title,
    movies.year,
    movies.rating,
    credits."position",
    credits.characters
   FROM ((public.credits
     JOIN public.people USING (person_id))
     JOIN public.movies USING (imdb_id))
  WHERE (credits.category = 'cast'::text);
CREATE TABLE public.chart_entries (
    run_id integer NOT NULL,
    rank integer NOT NULL,
    imdb_id text NOT NULL COLLATE pg_catalog."C",
    rating numeric(3,1),
    votes bigint,
    CONSTRAINT chart_entries_rank_check CHECK ((rank >= 1))
);
COMMENT ON TABLE public.chart_entries IS 'Rank, rating and votes of a title as one run saw them.';
CREATE TABLE public.runs (
    run_id integer NOT NULL,
    site text NOT NULL,
    chart text,
    asked integer NOT NULL,
    saved integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    complete boolean DEFAULT false NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT runs_asked_check CHECK ((asked >= 0)),
    CONSTRAINT runs_chart_check CHECK ((chart <> ''::text)),
    CONSTRAINT runs_failed_check CHECK ((failed >= 0)),
    CONSTRAINT runs_saved_check CHECK ((saved >= 0))
);
COMMENT ON TABLE public.runs IS 'Scraping runs; chart is NULL for lists of ids.';
COMMENT ON COLUMN public.runs.complete IS 'The whole chart was asked for, and every title of it was saved.';
CREATE VIEW public.complete_runs AS
 SELECT run_id,
    site,
    chart,
    started_at,
    finished_at,
    row_number() OVER (PARTITION BY site, chart ORDER BY finished_at DESC, run_id DESC) AS recency
   FROM public.runs
  WHERE (complete AND (chart IS NOT NULL));
CREATE VIEW public.chart_changes AS
 SELECT site,
    chart,
    imdb_id,
    new.rank,
    old.rank AS rank_before,
    (old.rank - new.rank) AS climbed,
    new.rating,
    old.rating AS rating_before,
    new.votes,
    old.votes AS votes_before
   FROM (( SELECT complete_runs.site,
            complete_runs.chart,
            entries.run_id,
            entries.rank,
            entries.imdb_id,
            entries.rating,
            entries.votes
           FROM (public.complete_runs
             JOIN public.chart_entries entries USING (run_id))
          WHERE (complete_runs.recency = 1)) new
     FULL JOIN ( SELECT complete_runs.site,
            complete_runs.chart,
            entries.run_id,
            entries.rank,
            entries.imdb_id,
            entries.rating,
            entries.votes
           FROM (public.complete_runs
             JOIN public.chart_entries entries USING (run_id))
          WHERE (complete_runs.recency = 2)) old USING (site, chart, imdb_id))
  WHERE (EXISTS ( SELECT
           FROM public.complete_runs earlier
          WHERE ((earlier.site = COALESCE(new.site, old.site)) AND (earlier.chart = COALESCE(new.chart, old.chart)) AND (earlier.recency = 2))));
CREATE TABLE public.people_to_check (
    person_id text NOT NULL COLLATE pg_catalog."C"
);
COMMENT ON TABLE public.people_to_check IS 'People who may no longer be credited anywhere.';
CREATE VIEW public.ranks_within_year AS
 SELECT year,
    rank() OVER (PARTITION BY year ORDER BY rating DESC, votes DESC NULLS LAST) AS rank_in_year,
    imdb_id,
    title,
    rating,
    votes,
    rank AS chart_rank
   FROM public.movies
  WHERE ((year IS NOT NULL) AND (rating IS NOT NULL));
ALTER TABLE public.runs ALTER COLUMN run_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.runs_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.yoyo_lock (
    locked integer DEFAULT 1 NOT NULL,
    ctime timestamp without time zone,
    pid integer NOT NULL
);
INSERT INTO public._yoyo_migration VALUES
	('2d55b3feee0510edee24b37086e203c38a1831b3bd2578235b35b4969414a7b4', '0001.movies', '2026-11-28 10:04:13.101108'),
	('3c4fabffc26881488566075289f5ec0a29b86235415a4e72fe3067bad8c6f06b', '0002.history', '2026-11-28 10:04:13.22094'),
	('f33aa07197ffb8d70bdc2f49258f5b521d84ce861700366612ac623bc7a5c751', '0003.views', '2026-11-28 10:04:13.320423');
INSERT INTO public._yoyo_version VALUES
	(2, '2026-11-28 10:04:12.778138');
INSERT INTO public.chart_entries VALUES
	(1, 1, 'tt7654321', 9.3, 2967746),
	(1, 2, 'tt13834660', 9.1, 1500851),
	(1, 3, 'tt5015018', 9.0, 1013513),
	(1, 4, 'tt11195357', 9.0, 754237);
INSERT INTO public.credits VALUES
	('tt11195357', 'nm13595245', 'cast', 1, '{"Nadia Yilmaz"}'),
	('tt11195357', 'nm1366359', 'cast', 2, '{"Inspector Rook"}'),
	('tt11195357', 'nm1234567', 'cast', 3, '{"the Twin"}'),
	('tt11195357', 'nm7369821', 'cast', 4, '{"Old Marta"}'),
	('tt11195357', 'nm8094677', 'director', 1, '{}'),
	('tt13834660', 'nm2458854', 'cast', 1, '{"Theo Weatherby"}'),
	('tt13834660', 'nm7414906', 'cast', 2, '{"a neighbour"}'),
	('tt13834660', 'nm2597572', 'cast', 3, '{"the Judge"}'),
	('tt13834660', 'nm0506248', 'cast', 4, '{"young Tomas"}'),
	('tt13834660', 'nm7810282', 'cast', 5, '{"Ulla Goldhammer"}'),
	('tt13834660', 'nm1234567', 'cast', 6, '{"Emeka Meer"}'),
	('tt13834660', 'nm0662314', 'cast', 7, '{"Xenia Ishikawa"}'),
	('tt13834660', 'nm11746694', 'cast', 8, '{"Sergeant Pell","Radio voice"}'),
	('tt13834660', 'nm1012605', 'cast', 9, '{Narrator,"Old Marta"}'),
	('tt13834660', 'nm2202196', 'cast', 10, '{"Lúcia Hirano"}'),
	('tt13834660', 'nm2177922', 'cast', 11, '{}'),
	('tt13834660', 'nm5823013', 'cast', 12, '{"Ines Ishikawa"}'),
	('tt13834660', 'nm5718958', 'cast', 13, '{"Fergus Ibáñez"}'),
	('tt13834660', 'nm8316639', 'cast', 14, '{"Emeka Whitlock"}'),
	('tt13834660', 'nm11767505', 'cast', 15, '{"Theo Salonen"}');
INSERT INTO public.credits VALUES
	('tt13834660', 'nm11857675', 'cast', 16, '{"the Captain"}'),
	('tt13834660', 'nm9013758', 'cast', 17, '{"Zofia Mbeki-Jones"}'),
	('tt13834660', 'nm8226469', 'cast', 18, '{"Maeve Kaminski"}'),
	('tt13834660', 'nm0308560', 'director', 1, '{}'),
	('tt5015018', 'nm1234567', 'cast', 1, '{"Hana Meer"}'),
	('tt5015018', 'nm6579069', 'cast', 2, '{"Ines Archambault"}'),
	('tt5015018', 'nm4921280', 'cast', 3, '{"Farah Novak"}'),
	('tt5015018', 'nm3169825', 'cast', 4, '{"Cécile Rue"}'),
	('tt5015018', 'nm8666930', 'cast', 5, '{"Old Marta"}'),
	('tt5015018', 'nm5743232', 'cast', 6, '{"a neighbour","Inspector Rook"}'),
	('tt5015018', 'nm14496978', 'cast', 7, '{"Uma Weatherby"}'),
	('tt5015018', 'nm7172133', 'cast', 8, '{Narrator}'),
	('tt5015018', 'nm13220680', 'cast', 9, '{Bartender}'),
	('tt5015018', 'nm12759408', 'cast', 10, '{"the Conductor"}'),
	('tt5015018', 'nm8292365', 'cast', 11, '{"Malik Salonen"}'),
	('tt5015018', 'nm13595245', 'cast', 12, '{"Yusuf Yilmaz"}'),
	('tt5015018', 'nm8316639', 'cast', 13, '{"Oskar Whitlock"}'),
	('tt5015018', 'nm3586012', 'director', 1, '{}'),
	('tt7654321', 'nm1432255', 'cast', 1, '{"Radio voice","a neighbour"}'),
	('tt7654321', 'nm1234567', 'cast', 2, '{"Dr. Hale"}');
INSERT INTO public.credits VALUES
	('tt7654321', 'nm4775603', 'cast', 3, '{"Radio voice"}'),
	('tt7654321', 'nm0350182', 'cast', 4, '{Narrator}'),
	('tt7654321', 'nm8358261', 'cast', 5, '{"young Tomas"}'),
	('tt7654321', 'nm2202196', 'cast', 6, '{"Radio voice"}'),
	('tt7654321', 'nm13702763', 'cast', 7, '{"Mrs. Whitcombe"}'),
	('tt7654321', 'nm6114334', 'cast', 8, '{"Malik Goldhammer"}'),
	('tt7654321', 'nm6776757', 'cast', 9, '{"Cécile Garrick"}'),
	('tt7654321', 'nm0617229', 'director', 1, '{}'),
	('tt7654321', 'nm10557103', 'director', 2, '{}');
INSERT INTO public.movies VALUES
	('tt11195357', 'Bright Clockmaker: Jarrow Hill', 'Bright Clockmaker: Jarrow Hill', 'movie', 1983, 9.0, 754237, 147, 58, '{Sci-Fi,Drama,Romance,History}', 'In Lower Vane, an archivist with no memory takes the blame for a crime nobody has noticed, and learns what silence costs.', 'http://127.0.0.1:39537/images/M/tt11195357@._V1_.jpg', 'Approved', '1983-05-21', 4, 'https://www.imdb.com/title/tt11195357/', '2026-11-28 10:04:13.719654+00'),
	('tt13834660', 'The Faithful Suitcase', 'The Faithful Suitcase', 'movie', 1980, 9.1, 1500851, 204, 94, '{Music,Film-Noir,Sport}', 'In Marrakand, two estranged sisters builds a bridge that leads nowhere, as an old friend comes to collect a debt.', 'http://127.0.0.1:39537/images/M/tt13834660@._V1_.jpg', 'Not Rated', '1980-09-27', 2, 'https://www.imdb.com/title/tt13834660/', '2026-11-28 10:04:13.715341+00'),
	('tt5015018', 'Atlas', 'Atlas', 'movie', 1951, 9.0, 1013513, 150, 72, '{Music,Biography,Sci-Fi,Romance}', 'In Ostermark, the last apprentice of a clockmaker discovers that the lighthouse has been lit all along, only to be recognised at the border.', 'http://127.0.0.1:39537/images/M/tt5015018@._V1_.jpg', 'TV-MA', '1951-04-20', 3, 'https://www.imdb.com/title/tt5015018/', '2026-11-28 10:04:13.707794+00'),
	('tt7654321', 'The Bakery of Istria Bay', 'The Bakery of Istria Bay', 'movie', 1962, 9.3, 2967746, 163, 49, '{Music,Animation,Horror,Adventure}', 'In Ferrant, a disgraced pilot takes the blame for a crime nobody has noticed, before the first frost.', 'http://127.0.0.1:39537/images/M/tt7654321@._V1_.jpg', 'TV-MA', '1962-05-19', 1, 'https://www.imdb.com/title/tt7654321/', '2026-11-28 10:04:13.658273+00');
INSERT INTO public.people VALUES
	('nm0308560', 'Cato Lindqvist', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm0350182', 'Søren Jansen', '2026-11-28 10:04:13.658273+00', 'tt7654321'),
	('nm0506248', 'Xenia Øverland', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm0617229', 'Emeka Hakimi', '2026-11-28 10:04:13.658273+00', 'tt7654321'),
	('nm0662314', 'Ines Ishikawa', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm1012605', 'Juno Ibáñez', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm10557103', 'Farah Ueda', '2026-11-28 10:04:13.658273+00', 'tt7654321'),
	('nm11746694', 'Pilar van der Meer', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm11767505', 'Beatriz Salonen', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm11857675', 'Signe Silveira', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm1234567', 'Mbali van der Meer', '2026-11-28 10:04:13.719654+00', 'tt11195357'),
	('nm12759408', 'Quentin Ravenscroft', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm13220680', 'Theo Dahlgren', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm13595245', 'Cécile Yilmaz', '2026-11-28 10:04:13.719654+00', 'tt11195357'),
	('nm1366359', 'Ulla Cormac', '2026-11-28 10:04:13.719654+00', 'tt11195357'),
	('nm13702763', 'Nadia Mbeki-Jones', '2026-11-28 10:04:13.658273+00', 'tt7654321'),
	('nm1432255', 'Dalia Sandoval', '2026-11-28 10:04:13.658273+00', 'tt7654321'),
	('nm14496978', 'Rafael Weatherby', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm2177922', 'Kaito Sandoval', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm2202196', 'Beatriz Hirano', '2026-11-28 10:04:13.715341+00', 'tt13834660');
INSERT INTO public.people VALUES
	('nm2458854', 'Ines Weatherby', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm2597572', 'Amara Dahlgren', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm3169825', 'Rosa de la Rue', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm3586012', 'Niamh Hakimi', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm4775603', 'Selim Salonen', '2026-11-28 10:04:13.658273+00', 'tt7654321'),
	('nm4921280', 'Saoirse Novak', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm5718958', 'Nadia Ibáñez', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm5743232', 'Selim Goldhammer', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm5823013', 'Søren Ishikawa', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm6114334', 'Dmitri Goldhammer', '2026-11-28 10:04:13.658273+00', 'tt7654321'),
	('nm6579069', 'Amara Archambault', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm6776757', 'Hana Garrick', '2026-11-28 10:04:13.658273+00', 'tt7654321'),
	('nm7172133', 'Milo Ferreira', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm7369821', 'Selim MacAskill', '2026-11-28 10:04:13.719654+00', 'tt11195357'),
	('nm7414906', 'Mbali van der Meer', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm7810282', 'Uma Goldhammer', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm8094677', 'Juno Øverland', '2026-11-28 10:04:13.719654+00', 'tt11195357'),
	('nm8226469', 'Ivo Kaminski', '2026-11-28 10:04:13.715341+00', 'tt13834660'),
	('nm8292365', 'Priya Salonen', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm8316639', 'Oskar Whitlock', '2026-11-28 10:04:13.715341+00', 'tt13834660');
INSERT INTO public.people VALUES
	('nm8358261', 'Vera Salonen', '2026-11-28 10:04:13.658273+00', 'tt7654321'),
	('nm8666930', 'Malik Nakagawa', '2026-11-28 10:04:13.707794+00', 'tt5015018'),
	('nm9013758', 'João Mbeki-Jones', '2026-11-28 10:04:13.715341+00', 'tt13834660');
INSERT INTO public.runs VALUES
	(1, 'the demo site', 'top250', 4, 4, 0, false, '2026-11-28 10:04:08.231926+00', '2026-11-28 10:04:13.914654+00');
SELECT pg_catalog.setval('public.runs_run_id_seq', 1, true);
ALTER TABLE ONLY public._yoyo_log
    ADD CONSTRAINT _yoyo_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public._yoyo_migration
    ADD CONSTRAINT _yoyo_migration_pkey PRIMARY KEY (migration_hash);
ALTER TABLE ONLY public._yoyo_version
    ADD CONSTRAINT _yoyo_version_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.chart_entries
    ADD CONSTRAINT chart_entries_pkey PRIMARY KEY (run_id, rank);
ALTER TABLE ONLY public.credits
    ADD CONSTRAINT credits_pkey PRIMARY KEY (imdb_id, category, "position");
ALTER TABLE public.credits CLUSTER ON credits_pkey;
ALTER TABLE ONLY public.movies
    ADD CONSTRAINT movies_pkey PRIMARY KEY (imdb_id);
ALTER TABLE public.movies CLUSTER ON movies_pkey;
ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (person_id);
ALTER TABLE public.people CLUSTER ON people_pkey;
ALTER TABLE ONLY public.people_to_check
    ADD CONSTRAINT people_to_check_pkey PRIMARY KEY (person_id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_key UNIQUE NULLS NOT DISTINCT (site, chart, started_at);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_id);
ALTER TABLE ONLY public.yoyo_lock
    ADD CONSTRAINT yoyo_lock_pkey PRIMARY KEY (locked);
CREATE INDEX chart_entries_imdb_id_idx ON public.chart_entries USING btree (imdb_id, run_id);
CREATE INDEX credits_person_id_idx ON public.credits USING btree (person_id, category);
CREATE INDEX movies_rank_idx ON public.movies USING btree (rank) WHERE (rank IS NOT NULL);
CREATE TRIGGER credits_lost AFTER DELETE ON public.credits REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.note_lost_credits();
ALTER TABLE ONLY public.chart_entries
    ADD CONSTRAINT chart_entries_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(run_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.credits
    ADD CONSTRAINT credits_imdb_id_fkey FOREIGN KEY (imdb_id) REFERENCES public.movies(imdb_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.credits
    ADD CONSTRAINT credits_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(person_id);
