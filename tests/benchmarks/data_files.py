"""Data files of any size, of invented titles, in the shape of IMDb's own: awkward rows among them.

    python -m tests.benchmarks.data_files FOLDER TITLES [--changed PERCENT]

Eight credits a title, four other titles for every ten, six people for every five titles.
Every figure of a row follows from its number, so that the same call makes the same files.
``--changed`` makes the ratings of another day, with so many of them different.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb

from infrastructure.datasets.files import DataFile

_FORM: Final = r"(FORMAT csv, DELIMITER '\t', QUOTE '', ESCAPE '', NULLSTR '\N', HEADER, COMPRESSION gzip)"
# Numbers that look random and are the same every time.
_MACROS: Final = r"""
CREATE MACRO pick(n, salt, size) AS (hash(n * 31 + salt) % size)::BIGINT;
CREATE MACRO tt(n) AS 'tt' || (n + 1000000);
CREATE MACRO nm(n) AS 'nm' || (n + 1000000);
CREATE MACRO word(n, salt) AS
    (['Harbour', 'Ferry', 'Óli', 'Night', 'Gate', 'Signal', '東京', 'Orchard', 'Winter'])[1 + pick(n, salt, 9)];
CREATE MACRO name(n) AS word(n, 1) || ' ' || word(n, 2) || ' ' || n;
CREATE MACRO title(n) AS CASE n % 1000
    WHEN 17 THEN 'Say "' || word(n, 3) || '"' WHEN 29 THEN '=' || word(n, 3) WHEN 31 THEN 'a\b, ' || word(n, 3)
    ELSE word(n, 3) || ' ' || word(n, 4) || ' ' || n END;
"""


def queries(titles: int, changed: int) -> Mapping[DataFile, str]:
    """The rows of each file."""
    people = titles * 6 // 5
    rating = f"n + CASE WHEN n % 100 < {changed} THEN 7 ELSE 0 END"
    return {
        DataFile.BASICS: f"""
            SELECT tt(n) AS tconst,
                   (['movie', 'tvEpisode', 'short', 'tvSeries', 'tvMovie'])[1 + pick(n, 5, 5)] AS titleType,
                   title(n) AS primaryTitle, title(n) AS originalTitle, '0' AS isAdult,
                   (1900 + pick(n, 6, 125))::VARCHAR AS startYear, NULL AS endYear,
                   (60 + pick(n, 7, 90))::VARCHAR AS runtimeMinutes,
                   (['Drama', 'Comedy,Drama', 'Crime,Film-Noir', 'Sci-Fi'])[1 + pick(n, 8, 4)] AS genres
            FROM range({titles}) AS t (n)""",
        DataFile.RATINGS: f"""
            SELECT tt(n) AS tconst, printf('%.1f', 1 + pick({rating}, 9, 91) / 10.0) AS averageRating,
                   (5 + pick({rating}, 10, 100000))::VARCHAR AS numVotes
            FROM range({titles}) AS t (n)""",
        DataFile.CREW: f"""
            SELECT tt(n) AS tconst, nm(pick(n, 11, {people})) AS directors,
                   nm(pick(n, 12, {people})) || CASE WHEN n % 3 = 0 THEN ',' || nm(pick(n, 13, {people})) ELSE '' END
                       AS writers
            FROM range({titles}) AS t (n)""",
        DataFile.PRINCIPALS: f"""
            SELECT tt(n) AS tconst, (o + 1)::VARCHAR AS ordering, nm(pick(n * 8 + o, 14, {people})) AS nconst,
                   (['actor', 'actress', 'actor', 'self', 'actress', 'producer', 'composer', 'editor'])[1 + o]
                       AS category,
                   CASE WHEN o = 5 THEN 'producer' END AS job,
                   CASE WHEN o < 4 THEN '["' || word(n, 15 + o) || CASE WHEN n % 50 = 0 THEN ' \\"Joe\\"' ELSE '' END
                        || '"]' END AS characters
            FROM range({titles}) AS t (n), range(8) AS p (o)""",
        DataFile.NAMES: f"""
            SELECT nm(n) AS nconst, name(n) AS primaryName, (1900 + pick(n, 20, 100))::VARCHAR AS birthYear,
                   NULL AS deathYear, 'actor,producer' AS primaryProfession, tt(pick(n, 21, {titles})) AS knownForTitles
            FROM range({people}) AS t (n)""",
        DataFile.AKAS: f"""
            SELECT tt(n) AS titleId, (o + 1)::VARCHAR AS ordering, title(n) || ' ' || o AS title,
                   (['DE', 'FR', 'JP', 'BR'])[1 + o] AS region, NULL AS language, 'imdbDisplay' AS types,
                   NULL AS attributes, '0' AS isOriginalTitle
            FROM range({titles}) AS t (n), range(4) AS p (o) WHERE n % 10 = 0""",
        DataFile.EPISODES: f"""
            SELECT tt(n) AS tconst, tt(pick(n, 22, {titles})) AS parentTconst, (1 + n % 9)::VARCHAR AS seasonNumber,
                   (1 + n % 24)::VARCHAR AS episodeNumber
            FROM range({titles}) AS t (n) WHERE pick(n, 5, 5) = 1""",
    }


def write(folder: Path, titles: int, *, changed: int = 0) -> None:
    """Writes the seven files.

    Args:
        folder: where to; it is made if need be.
        titles: how many.
        changed: percent of the ratings that differ from those of the first day.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute(_MACROS)
        for file, query in queries(titles, changed).items():
            path = str(folder / file.file_name).replace("'", "''")
            connection.execute(f"COPY ({query}) TO '{path}' {_FORM}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("titles", type=int)
    parser.add_argument("--changed", type=int, default=0)
    options = parser.parse_args()
    write(options.folder, options.titles, changed=options.changed)
