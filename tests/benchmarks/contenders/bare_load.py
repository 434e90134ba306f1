"""The least that a load of data files can take: DuckDB's sorted CSV files, and COPY with the same keys and checks.

    python -m tests.benchmarks.contenders.bare_load FILES FOLDER

The tables get the rows and columns of a load. Nothing else is checked, joined with what is stored, or told; one store
follows the other. The server is the embedded one.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import duckdb
import psycopg2

from domain.fields import Table
from infrastructure.datasets.files import DataFile
from infrastructure.stores.embedded.server import EmbeddedServer
from tests.support.columns import definition

QUERIES: Final = {
    Table.MOVIES: """
        SELECT b.tconst AS imdb_id, primaryTitle AS title, originalTitle AS original_title, titleType AS kind,
               startYear AS year, averageRating AS rating, numVotes AS votes, runtimeMinutes AS duration_minutes,
               '{' || genres || '}' AS genres, isAdult AS is_adult, e.parentTconst AS series_id,
               e.seasonNumber AS season, e.episodeNumber AS episode, 'datasets' AS source,
               '2026-11-27' AS dataset_day, '{}' AS incomplete,
               'https://www.imdb.com/title/' || b.tconst || '/' AS source_url, '2026-11-27T00:00:00Z' AS scraped_at
        FROM basics AS b LEFT JOIN ratings USING (tconst) LEFT JOIN episode AS e USING (tconst) ORDER BY 1""",
    Table.PEOPLE: """
        SELECT nconst AS person_id, primaryName AS name, '2026-11-27T00:00:00Z' AS read_at, 'datasets' AS source,
               birthYear AS born, '{' || primaryProfession || '}' AS professions,
               '{' || knownForTitles || '}' AS known_for, '2026-11-27T00:00:00Z' AS details_read_at,
               'datasets' AS details_source FROM names ORDER BY 1""",
    Table.CREDITS: """
        WITH makers AS (
            SELECT tconst, 'director' AS category, string_split(directors, ',') AS people FROM crew
            UNION ALL SELECT tconst, 'writer', string_split(writers, ',') FROM crew
        ),
        credited AS (
            SELECT tconst, nconst, CASE WHEN category IN ('actor', 'actress', 'self') THEN 'cast' ELSE category END
                       AS category, try_cast(ordering AS INTEGER) AS place, characters, job,
                   CASE WHEN category IN ('actor', 'actress', 'self') THEN '{' || category || '}' END AS attributes
            FROM principals WHERE category NOT IN ('director', 'writer')
            UNION ALL
            SELECT tconst, unnest(people), category, generate_subscripts(people, 1), NULL, NULL, NULL FROM makers
        )
        SELECT tconst AS imdb_id, nconst AS person_id, category,
               row_number() OVER (PARTITION BY tconst, category ORDER BY place) AS position,
               '{' || characters[2:-2] || '}' AS characters, '{' || job || '}' AS job, attributes
        FROM credited ORDER BY 1, 3, 4""",
    Table.AKAS: """
        SELECT titleId AS imdb_id, try_cast(ordering AS INTEGER) AS position, title, region,
               '{' || types || '}' AS types FROM akas ORDER BY 1, 2""",
    Table.RATINGS_HISTORY: """
        SELECT tconst AS imdb_id, '2026-11-27' AS day, averageRating AS rating, numVotes AS votes
        FROM ratings ORDER BY 1, 2""",
}  # fmt: skip
KEYS: Final = """
    ALTER TABLE movies ADD PRIMARY KEY (imdb_id); ALTER TABLE people ADD PRIMARY KEY (person_id);
    ALTER TABLE credits ADD PRIMARY KEY (imdb_id, category, position);
    ALTER TABLE akas ADD PRIMARY KEY (imdb_id, position);
    ALTER TABLE ratings_history ADD PRIMARY KEY (imdb_id, day);
    CREATE INDEX ON credits (person_id, category);
    ALTER TABLE credits ADD FOREIGN KEY (imdb_id) REFERENCES movies, ADD FOREIGN KEY (person_id) REFERENCES people;
    ALTER TABLE akas ADD FOREIGN KEY (imdb_id) REFERENCES movies; ANALYZE
"""  # fmt: skip
VIEWS: Final = {
    DataFile.BASICS: "basics", DataFile.RATINGS: "ratings", DataFile.EPISODES: "episode", DataFile.NAMES: "names",
    DataFile.PRINCIPALS: "principals", DataFile.AKAS: "akas", DataFile.CREW: "crew",
}  # fmt: skip


def main() -> None:
    """Writes the files, then copies them."""
    files, folder = Path(sys.argv[1]), Path(sys.argv[2])
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '1GB'; SET temp_directory = '{folder / 'tmp'}'; SET threads = 2")
        for file, name in VIEWS.items():
            connection.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_csv('{files / file.file_name}', delim='\t', quote='',"
                " escape='', nullstr='\\N', header=true, all_varchar=true)"
            )
        columns = {}
        for table, query in QUERIES.items():
            columns[table] = [row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()]
            connection.execute(f"COPY ({query}) TO '{folder / f'{table}.csv'}' (FORMAT csv, HEADER)")
    with (
        EmbeddedServer(folder / "postgres") as server,
        closing(psycopg2.connect(server.dsn())) as database,
        database,
        database.cursor() as cursor,
    ):
        for table in QUERIES:
            fields = ", ".join(definition(table, field) for field in table.fields)
            cursor.execute(f"CREATE TABLE {table} ({fields})")
            copy = f"COPY {table} ({', '.join(columns[table])}) FROM STDIN (FORMAT csv, HEADER)"
            with (folder / f"{table}.csv").open("rb") as rows:
                cursor.copy_expert(copy, rows)
        cursor.execute(KEYS)


if __name__ == "__main__":
    main()
