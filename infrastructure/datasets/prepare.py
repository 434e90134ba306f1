"""Converts data files to sorted rows of every table, joined with the stores' content.

DuckDB reads, filters, joins and sorts out of core. All cells are canonical text
(``application.records``), so that the result can be compared byte by byte.
The result is a folder of Parquet files: for each table the complete new content,
and the rows that are new or changed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.errors import Cancelled, StoreUnavailable, UsageError
from domain.fields import Source, Table
from infrastructure.datasets.files import CheckedFile, DataFile
from infrastructure.datasets.prepare_sql import MACROS, column_name, is_id, movies_query, people_query, quoted
from shared.threads import when_set

if TYPE_CHECKING:
    import duckdb

# Tables that a load writes; the others stay as they are.
LOADED_TABLES: Final = (Table.MOVIES, Table.PEOPLE, Table.CREDITS, Table.AKAS, Table.RATINGS_HISTORY)
# Files of which every row is kept until the titles are selected.
READ_WHOLE: Final = (DataFile.BASICS, DataFile.RATINGS, DataFile.EPISODES)
_DETAILS: Final = frozenset({Table.PEOPLE, Table.CREDITS, Table.AKAS})
_CREDIT_FILES: Final = frozenset({DataFile.PRINCIPALS, DataFile.CREW, DataFile.NAMES})
_CHOSEN: Final = "SELECT imdb_id FROM chosen"
# A title that was read from a page since has lost its values from the data files.
_FRESH: Final = (
    "SELECT imdb_id FROM selected ANTI JOIN"
    f" (SELECT imdb_id FROM stored_movies WHERE source = '{Source.DATASETS}') USING (imdb_id)"
)
# The key of each file.
_KEYS: Final = {
    DataFile.BASICS: "tconst",
    DataFile.RATINGS: "tconst",
    DataFile.EPISODES: "tconst",
    DataFile.CREW: "tconst",
    DataFile.NAMES: "nconst",
    DataFile.AKAS: "titleId, try_cast(ordering AS INTEGER)",
}
_REJECTS_HEADER: Final = "file\tline\treason\trow"
_CAST_WORDS: Final = ("actor", "actress", "self")


class Selection(msgspec.Struct, frozen=True):
    """Which titles of the data files are loaded.

    Attributes:
        kinds: IMDb's words for the kind of title; empty: all.
        min_votes: titles with fewer votes are left out; 0: all, also those without a rating.
        since: titles of earlier years are left out.
        ids: only these titles.
        credits, akas, episodes: whether these are loaded.
        prune: stored titles that are known only from data files and are absent from these are deleted.
    """

    kinds: tuple[str, ...] = ("movie", "tvMovie", "tvSeries", "tvMiniSeries")
    min_votes: int = 1000
    since: int | None = None
    ids: tuple[str, ...] | None = None
    credits: bool = True
    akas: bool = True
    episodes: bool = False
    prune: bool = False

    @property
    def files(self) -> tuple[DataFile, ...]:
        """The data files that this selection needs."""
        wanted = list(READ_WHOLE)
        if self.credits:
            wanted += [DataFile.CREW, DataFile.PRINCIPALS, DataFile.NAMES]
        if self.akas:
            wanted.append(DataFile.AKAS)
        return tuple(wanted)


class LoadCounts(msgspec.Struct):
    """The numbers of a load.

    Attributes:
        titles: titles in the selection.
        new, changed: titles of the selection that were not stored, or whose row changes.
        gone: stored titles known only from data files that are absent from today's files.
        pruned: whether these are deleted.
        rows: rows of each table after the load, without unchanged tables.
        rejected: rows left out, by file.
        unknown_people: credits left out because ``name.basics`` does not have the person.
        absent_kinds: kinds of the selection that no title has.
    """

    titles: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    pruned: bool = False
    rows: dict[str, int] = msgspec.field(default_factory=dict)
    rejected: dict[str, int] = msgspec.field(default_factory=dict)
    unknown_people: int = 0
    absent_kinds: list[str] = msgspec.field(default_factory=list)


class PreparedLoad(msgspec.Struct, frozen=True):
    """The files of a prepared load.

    Attributes:
        day: of the data files.
        counts: of titles and rows.
    """

    folder: Path
    day: date
    counts: LoadCounts

    def complete(self, table: Table) -> Path:
        """The complete new content of a table, in key order."""
        return self.folder / f"{table}.parquet"

    def changed(self, table: Table) -> Path:
        """The rows that are new or differ; for credits and akas all rows of the titles in ``replaced``."""
        return self.folder / f"{table}.changed.parquet"

    @property
    def gone(self) -> Path:
        """The ids of the titles that the load deletes."""
        return self.folder / f"{Table.MOVIES}.gone.parquet"

    def replaced(self, table: Table) -> Path:
        """The ids of the titles whose credits or akas are replaced as a whole."""
        return self.folder / f"{table}.replaced.parquet"


class LoadPreparation:
    """Prepares one load.

    Args:
        folder: for the result; emptied by the caller.
        memory: maximum memory of DuckDB, as ``1GB``.
        threads: of DuckDB.
        cancel: once set, the query in progress is interrupted.
        on_phase: called with the name of each phase as it starts.
        on_selection: called with the share of all titles (0 to 1) whose rows in the other files are needed, before
            these are read; what it raises ends the preparation.
    """

    def __init__(
        self,
        folder: Path,
        *,
        memory: str = "1GB",
        threads: int = 2,
        cancel: threading.Event | None = None,
        on_phase: Callable[[str], object] = lambda _phase: None,
        on_selection: Callable[[float], object] = lambda _share: None,
    ) -> None:
        import duckdb

        self._folder = folder
        self._cancel = cancel or threading.Event()
        self._on_phase = on_phase
        self._on_selection = on_selection
        folder.mkdir(parents=True, exist_ok=True)
        self._con = duckdb.connect()
        self._con.execute(f"SET memory_limit = {quoted(memory)}")
        self._con.execute(f"SET threads = {int(threads)}")
        self._con.execute(f"SET temp_directory = {quoted(str(folder / 'tmp'))}")
        self._con.execute("SET preserve_insertion_order = false")
        self._con.execute(MACROS)
        self._rejected: dict[DataFile, int] = {}
        self._untouched: frozenset[Table] = frozenset()

    def close(self) -> None:
        """Closes the working database and removes its temporary files."""
        self._con.close()

    def prepare(
        self,
        files: Mapping[DataFile, CheckedFile],
        selection: Selection,
        day: date,
        stored: Callable[[Table], Path | None],
        *,
        allow_older: bool = False,
        unchanged: frozenset[DataFile] = frozenset(),
    ) -> PreparedLoad:
        """Reads the data files and writes the result.

        Args:
            files: checked; those that the selection needs.
            selection: of titles.
            day: of the data files.
            stored: gives the content of a table as a CSV file of canonical cells; ``None``: it has no rows. Only
                called for the tables that are needed.
            allow_older: also files that are older than those loaded before.
            unchanged: files whose content the stores have from the last load of the same selection; only titles
                that were not loaded then are read from them.

        Raises:
            UsageError: a file is damaged, or older than the loaded ones.
            StoreUnavailable: the disk is full.
            Cancelled: ``cancel`` was set.
        """
        counts = LoadCounts(pruned=selection.prune)
        for table in (Table.MOVIES, Table.RATINGS_HISTORY):
            self._read_stored(table, stored(table))
        if not allow_older:
            self._refuse_older(day)
        self._run("titles", self._select_titles, files, selection, day, counts, unchanged)
        self._untouched = self._find_untouched(selection, unchanged)
        needed = _DETAILS - self._untouched
        self._on_selection(counts.titles / self._count_of("SELECT count(*) FROM basics") if needed else 0)
        for table in needed:
            self._read_stored(table, stored(table))
        if Table.CREDITS not in self._untouched:
            fresh = _FRESH if unchanged >= _CREDIT_FILES else _CHOSEN
            self._run("people and credits", self._select_credits, files, selection, day, counts, fresh)
        if Table.AKAS not in self._untouched:
            fresh = _FRESH if DataFile.AKAS in unchanged else _CHOSEN
            self._run("other titles", self._select_akas, files, selection, fresh)
        self._run("join", self._join, day, selection)
        self._find_gone(selection)
        for table in LOADED_TABLES:
            self._run(f"write {table}", self._write, table, counts)
        self._count(counts)
        return PreparedLoad(self._folder, day, counts)

    def _find_untouched(self, selection: Selection, unchanged: frozenset[DataFile]) -> frozenset[Table]:
        """The tables that the load leaves unchanged: their files are unchanged, and no title is new."""
        if selection.prune or self._count_of(f"SELECT count(*) FROM ({_FRESH})"):
            return frozenset()
        credits = {Table.CREDITS, Table.PEOPLE} if unchanged >= _CREDIT_FILES else set()
        return frozenset(credits | ({Table.AKAS} if DataFile.AKAS in unchanged else set()))

    # --- reading -----------------------------------------------------------------

    def _read_stored(self, table: Table, path: Path | None) -> None:
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in table.columns)
        if path is None:
            source = (
                "SELECT "
                + ", ".join(f"NULL::VARCHAR AS {column_name(name)}" for name in table.columns)
                + " WHERE false"
            )
        else:
            source = (
                f"SELECT * FROM read_csv({quoted(str(path))}, header=true, all_varchar=true, auto_detect=false,"
                f" delim=',', quote='\"', escape='\"', nullstr='', strict_mode=true, max_line_size=100000000,"
                f" columns={{{columns}}})"
            )
        self._execute(f"CREATE OR REPLACE TABLE stored_{table} AS {source}")

    def _refuse_older(self, day: date) -> None:
        ((newest,),) = self._rows("SELECT max(dataset_day) FROM stored_movies")
        require_newer(day, newest or "")

    def _read(
        self, file: DataFile, checked: CheckedFile, name: str, checks: Mapping[str, str], *, wanted: str = ""
    ) -> None:
        """Reads a data file into a table; rows that cannot be read or fail a check are rejected.

        Args:
            name: of the new table.
            checks: conditions of a valid row, by the reason given for invalid ones.
            wanted: a query for the values of the first column of the needed rows, each once; empty: all rows. The
                others are checked and skipped.
        """
        rejects_into = f"store_rejects=true, rejects_table='errors_{name}', rejects_scan='scan_{name}', rejects_limit=0"
        columns = ", ".join(column_name(column) for column in file.columns)
        bad = " ".join(
            f"WHEN NOT coalesce({condition}, false) THEN {quoted(reason)}" for reason, condition in checks.items()
        )
        bad = f"CASE {bad} END"
        # A left join because DuckDB keeps the table of IN (SELECT ...) in memory as a whole.
        join = f" LEFT JOIN ({wanted}) AS wanted (id) ON id = {file.columns[0]}" if wanted else ""
        kept = f" WHERE id IS NOT NULL OR {bad} IS NOT NULL" if wanted else ""
        table = f"CREATE OR REPLACE TABLE {name} AS SELECT {columns} FROM"
        try:
            self._execute(f"{table} {checked.scan(rejects_into)}{join}{kept}")
        except _MixedLineEnds:
            checked = msgspec.structs.replace(checked, strict=False)
            self._execute(f"DROP TABLE IF EXISTS errors_{name}; DROP TABLE IF EXISTS scan_{name}")
            self._execute(f"{table} {checked.scan(rejects_into)}{join}{kept}")
        self._execute(
            "CREATE OR REPLACE TABLE rejected AS"
            " SELECT line, lower(first(error_type)::VARCHAR) || ': ' || first(error_message) AS reason,"
            f" first(csv_line) AS text FROM errors_{name} GROUP BY line"  # a row that lacks two cells has two errors
        )
        # How many unreadable lines are before the place of a row among the readable ones.
        self._execute(
            "CREATE OR REPLACE TABLE unreadable AS SELECT line - lines AS behind, max(lines) AS lines"
            " FROM (SELECT line, row_number() OVER (ORDER BY line) AS lines FROM rejected) GROUP BY behind"
        )
        if self._rows(f"SELECT 1 FROM {name} WHERE {bad} IS NOT NULL LIMIT 1"):
            self._reject(checked, f"SELECT place, {bad} AS reason, text FROM numbered WHERE reason IS NOT NULL")
            self._execute(f"DELETE FROM {name} WHERE {bad} IS NOT NULL")
        self._drop_duplicates(name, file, checked, f"{bad} IS NULL")
        self._write_rejects(file)

    def _drop_duplicates(self, name: str, file: DataFile, checked: CheckedFile, is_good: str) -> None:
        """Keeps one row of each key, independent of the file's order, and rejects the others."""
        key = _KEYS.get(file)
        if key is None:
            return
        self._execute(
            f"CREATE OR REPLACE TABLE twice AS SELECT ({key}) AS key FROM {name} GROUP BY {key} HAVING count(*) > 1"
        )
        if not self._rows("SELECT 1 FROM twice LIMIT 1"):
            return
        place = f"row_number() OVER (PARTITION BY {key} ORDER BY {', '.join(map(column_name, file.columns))})"
        self._reject(
            checked,
            "SELECT place, 'another row with its key is kept', text FROM numbered"
            f" SEMI JOIN twice ON key = ({key}) WHERE {is_good} QUALIFY {place} > 1",
        )
        self._execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {name} QUALIFY {place} = 1")

    def _reject(self, checked: CheckedFile, query: str) -> None:
        """Rejects readable rows. The file is read a second time, in its order, for their line numbers.

        Args:
            query: gives place, reason and text of each, from ``numbered``.
        """
        text = " || chr(9) || ".join(f"coalesce({column_name(column)}, '\\N')" for column in checked.header)
        self._execute("SET preserve_insertion_order = true")
        try:
            self._execute(
                f"INSERT INTO rejected WITH numbered AS (SELECT row_number() OVER () + 1 AS place, {text} AS text, *"
                f" FROM {checked.scan('ignore_errors=true')}), bad (place, reason, text) AS ({query})"
                # Not an ASOF join: DuckDB's takes quadratic time without an equality.
                " SELECT place + coalesce(max(lines) OVER (ORDER BY place, lines NULLS FIRST), 0) AS line, reason, text"
                " FROM (SELECT *, NULL AS lines FROM bad UNION ALL SELECT behind, NULL, NULL, lines FROM unreadable)"
                " QUALIFY reason IS NOT NULL"
            )
        finally:
            self._execute("SET preserve_insertion_order = false")

    def _write_rejects(self, file: DataFile) -> None:
        if not (count := self._count_of("SELECT count(*) FROM rejected")):
            return
        self._rejected[file] = count
        row = (
            f"concat_ws(chr(9), {quoted(file.file_name)}, line, regexp_replace(reason, '\\s+', ' ', 'g'),"
            " coalesce(text, ''))"
        )
        self._execute(
            f"COPY (SELECT {row} AS {column_name(_REJECTS_HEADER)} FROM rejected ORDER BY line)"
            f" TO {quoted(str(self._folder / f'rejected-{file}.tsv'))}"
            " (FORMAT csv, HEADER, DELIMITER '\x01', QUOTE '', ESCAPE '')"
        )

    # --- selecting ---------------------------------------------------------------

    def _select_titles(
        self,
        files: Mapping[DataFile, CheckedFile],
        selection: Selection,
        day: date,
        counts: LoadCounts,
        unchanged: frozenset[DataFile],
    ) -> None:
        self._read(
            DataFile.RATINGS,
            files[DataFile.RATINGS],
            "ratings",
            {
                "tconst is not tt and digits": is_id("tconst", "tt"),
                "averageRating is not 1 to 10": "try_cast(averageRating AS DOUBLE) BETWEEN 1 AND 10",
                "numVotes is not a number": "try_cast(numVotes AS BIGINT) >= 0",
            },
        )
        self._read(
            DataFile.EPISODES,
            files[DataFile.EPISODES],
            "episodes",
            {
                "tconst is not tt and digits": is_id("tconst", "tt"),
                "parentTconst is not tt and digits": is_id("parentTconst", "tt"),
                "seasonNumber is not a number": "try_cast(coalesce(seasonNumber, '0') AS INTEGER) >= 0",
                "episodeNumber is not a number": "try_cast(coalesce(episodeNumber, '0') AS INTEGER) >= 0",
            },
        )
        self._read(
            DataFile.BASICS,
            files[DataFile.BASICS],
            "basics",
            {
                "tconst is not tt and digits": is_id("tconst", "tt"),
                "primaryTitle is empty": "trim(coalesce(primaryTitle, '')) <> ''",
                "startYear is not a year": "try_cast(coalesce(startYear, '2000') AS INTEGER) BETWEEN 1870 AND 9999",
                "endYear is not a year": "try_cast(coalesce(endYear, '2000') AS INTEGER) BETWEEN 1870 AND 9999",
                "runtimeMinutes is not a number": "try_cast(coalesce(runtimeMinutes, '0') AS INTEGER) >= 0",
            },
        )
        if not self._rows("SELECT 1 FROM basics LIMIT 1"):  # else every title would count as gone
            raise UsageError(f"{files[DataFile.BASICS].path} has no row that can be loaded; download it again")
        conditions = ["true"]
        if selection.kinds:
            counts.absent_kinds = sorted(
                set(selection.kinds) - {kind for (kind,) in self._rows("SELECT DISTINCT titleType FROM basics")}
            )
            conditions.append(f"titleType IN ({', '.join(map(quoted, selection.kinds))})")
        if selection.min_votes:
            conditions.append(f"try_cast(numVotes AS BIGINT) >= {int(selection.min_votes)}")
        if selection.since is not None:
            conditions.append(f"try_cast(startYear AS INTEGER) >= {int(selection.since)}")
        if selection.ids is not None:
            self._con.execute(
                "CREATE OR REPLACE TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS imdb_id", [list(selection.ids)]
            )
            conditions = ["tconst IN (SELECT imdb_id FROM wanted)"]
        self._execute(
            "CREATE OR REPLACE TABLE chosen AS SELECT tconst AS imdb_id FROM basics LEFT JOIN ratings USING (tconst)"
            f" WHERE {' AND '.join(conditions)}"
        )
        if selection.episodes:
            self._execute(
                "INSERT INTO chosen SELECT tconst FROM episodes SEMI JOIN basics USING (tconst)"
                " SEMI JOIN chosen ON chosen.imdb_id = parentTconst ANTI JOIN chosen AS known ON known.imdb_id = tconst"
            )
        counts.titles = self._count_of("SELECT count(*) FROM chosen")
        same = "SELECT NULL::VARCHAR AS imdb_id WHERE false"
        if unchanged >= {DataFile.BASICS, DataFile.EPISODES}:  # only figures can differ from what is stored
            same = (
                "SELECT s.imdb_id FROM stored_movies AS s LEFT JOIN ratings AS r ON r.tconst = s.imdb_id"
                f" WHERE s.source = '{Source.DATASETS}' AND (r.tconst IS NULL OR"
                " (s.rating = one_decimal(r.averageRating) AND s.votes = whole(r.numVotes)))"
            )
        self._execute(
            f"""
            CREATE OR REPLACE TABLE selected AS
            SELECT tconst AS imdb_id, clean(primaryTitle) AS title, nullif(clean(originalTitle), '') AS original_title,
                   nullif(clean(titleType), '') AS kind, whole(startYear) AS year, whole(endYear) AS end_year,
                   one_decimal(averageRating) AS rating, whole(numVotes) AS votes,
                   whole(runtimeMinutes) AS duration_minutes, comma_list(genres) AS genres,
                   CASE isAdult WHEN '1' THEN 'true' WHEN '0' THEN 'false' END AS is_adult
            FROM basics SEMI JOIN chosen ON chosen.imdb_id = tconst ANTI JOIN ({same}) AS same ON same.imdb_id = tconst
                LEFT JOIN ratings USING (tconst)
            """
        )
        self._execute(
            f"""
            CREATE OR REPLACE TABLE new_movies AS
            SELECT s.*, e.parentTconst AS series_id, whole(e.seasonNumber) AS season, whole(e.episodeNumber) AS episode,
                   '{Source.DATASETS}' AS source, '{day}' AS dataset_day, '[]' AS incomplete,
                   'https://www.imdb.com/title/' || s.imdb_id || '/' AS source_url,
                   '{day}T00:00:00.000000Z' AS scraped_at
            FROM selected AS s LEFT JOIN episodes AS e ON e.tconst = s.imdb_id
            """
        )

    def _select_credits(
        self,
        files: Mapping[DataFile, CheckedFile],
        selection: Selection,
        day: date,
        counts: LoadCounts,
        wanted: str,
    ) -> None:
        if not selection.credits:
            self._execute("CREATE OR REPLACE TABLE new_credits AS SELECT * FROM stored_credits WHERE false")
            self._execute("CREATE OR REPLACE TABLE new_people AS SELECT * FROM stored_people WHERE false")
            return
        self._read(
            DataFile.PRINCIPALS,
            files[DataFile.PRINCIPALS],
            "principals",
            {
                "tconst is not tt and digits": is_id("tconst", "tt"),
                "nconst is not nm and digits": is_id("nconst", "nm"),
                "ordering is not a number": "try_cast(ordering AS INTEGER) >= 0",
                "category is empty": "coalesce(clean(category), '') <> ''",
                "characters is not a JSON array": "characters IS NULL OR"
                " (unquoted(characters) LIKE '[%' AND json_valid(unquoted(characters)))",
            },
            wanted=wanted,
        )
        is_title = {"tconst is not tt and digits": is_id("tconst", "tt")}
        self._read(DataFile.CREW, files[DataFile.CREW], "crew", is_title, wanted=wanted)
        cast_words = ", ".join(map(quoted, _CAST_WORDS))
        self._execute(
            f"""
            CREATE OR REPLACE TABLE credited AS
            WITH makers AS (
                SELECT tconst, unnest(string_split(directors, ',')) AS nconst, 'director' AS category,
                       generate_subscripts(string_split(directors, ','), 1) AS place
                FROM crew WHERE directors IS NOT NULL
                UNION ALL
                SELECT tconst, unnest(string_split(writers, ',')), 'writer',
                       generate_subscripts(string_split(writers, ','), 1)
                FROM crew WHERE writers IS NOT NULL
            ),
            jobs AS (
                SELECT tconst, nconst, category, any_value(job ORDER BY try_cast(ordering AS INTEGER)) AS job
                FROM principals WHERE category IN ('director', 'writer') AND job IS NOT NULL GROUP BY ALL
            )
            SELECT tconst, nconst,
                   CASE WHEN category IN ({cast_words}) THEN 'cast' ELSE clean(category) END AS category,
                   try_cast(ordering AS INTEGER) AS place, characters, job,
                   CASE WHEN category IN ({cast_words}) THEN '["' || category || '"]' END AS attributes
            FROM principals WHERE category NOT IN ('director', 'writer')
            UNION ALL
            SELECT m.tconst, m.nconst, m.category, m.place, NULL, jobs.job, NULL
            FROM makers AS m LEFT JOIN jobs USING (tconst, nconst, category)
            """
        )
        self._execute("DROP TABLE principals")
        self._read(
            DataFile.NAMES,
            files[DataFile.NAMES],
            "names",
            {
                "nconst is not nm and digits": is_id("nconst", "nm"),
                "primaryName is empty": "trim(coalesce(primaryName, '')) <> ''",
            },
            wanted="SELECT DISTINCT nconst FROM credited",
        )
        self._execute(
            "CREATE OR REPLACE VIEW known_people AS SELECT nconst AS person FROM names UNION ALL"
            " SELECT person_id FROM stored_people"
        )
        counts.unknown_people = self._count_of(
            "SELECT count(*) FROM credited ANTI JOIN known_people ON known_people.person = credited.nconst"
        )
        # A person counts once in a category, at the first place. Credits of people without a name are left out.
        self._execute(
            """
            CREATE OR REPLACE TABLE new_credits AS
            WITH known AS (
                SELECT * FROM credited SEMI JOIN known_people ON known_people.person = credited.nconst
                QUALIFY row_number() OVER (PARTITION BY tconst, category, nconst ORDER BY place, characters) = 1
            )
            SELECT tconst AS imdb_id, nconst AS person_id, category,
                   (row_number() OVER (PARTITION BY tconst, category ORDER BY place, nconst))::VARCHAR AS position,
                   text_list(characters) AS characters, one_item(job) AS job, attributes
            FROM known
            """
        )
        self._execute(
            f"""
            CREATE OR REPLACE TABLE new_people AS
            SELECT nconst AS person_id, clean(primaryName) AS name, '{day}T00:00:00.000000Z' AS read_at,
                   '{Source.DATASETS}' AS source, year_text(birthYear) AS born, year_text(deathYear) AS died,
                   NULL::VARCHAR AS birth_place, comma_list(primaryProfession) AS professions,
                   NULL::VARCHAR AS picture_url, comma_list(knownForTitles) AS known_for,
                   '{day}T00:00:00.000000Z' AS details_read_at, '{Source.DATASETS}' AS details_source
            FROM names SEMI JOIN new_credits ON new_credits.person_id = names.nconst
            """
        )

    def _select_akas(self, files: Mapping[DataFile, CheckedFile], selection: Selection, wanted: str) -> None:
        if not selection.akas:
            self._execute("CREATE OR REPLACE TABLE new_akas AS SELECT * FROM stored_akas WHERE false")
            return
        self._read(
            DataFile.AKAS,
            files[DataFile.AKAS],
            "other_titles",
            {
                "titleId is not tt and digits": is_id("titleId", "tt"),
                "ordering is not a number": "try_cast(ordering AS INTEGER) >= 0",
                "title is empty": "trim(coalesce(title, '')) <> ''",
            },
            wanted=wanted,
        )
        self._execute(
            """
            CREATE OR REPLACE TABLE new_akas AS
            SELECT titleId AS imdb_id,
                   (row_number() OVER (PARTITION BY titleId ORDER BY try_cast(ordering AS INTEGER)))::VARCHAR
                       AS position,
                   clean(title) AS title, nullif(clean(region), '') AS region, nullif(clean(language), '') AS language,
                   json_list(string_split(types, chr(2))) AS types,
                   json_list(string_split(attributes, chr(2))) AS attributes
            FROM other_titles
            """
        )

    # --- joining with the stores ---------------------------------------------------

    def _join(self, day: date, selection: Selection) -> None:
        self._execute(f"CREATE OR REPLACE TABLE final_movies AS {movies_query()}")
        # Without stored rows, joining again is as fast as keeping the rows.
        kinds = {
            table: "TABLE" if selection.prune or self._has_stored(table) else "VIEW"
            for table in _DETAILS - self._untouched
        }
        if Table.PEOPLE in kinds:
            self._execute(f"CREATE OR REPLACE {kinds[Table.PEOPLE]} final_people AS {people_query()}")
        if Table.CREDITS in kinds:
            self._join_credits(kinds[Table.CREDITS])
        if Table.AKAS in kinds:
            self._execute(
                f"""
                CREATE OR REPLACE {kinds[Table.AKAS]} final_akas AS
                SELECT * FROM new_akas
                UNION ALL
                SELECT s.* FROM stored_akas AS s ANTI JOIN new_akas USING (imdb_id)
                """
            )
        self._execute(
            f"""
            CREATE OR REPLACE TABLE final_ratings_history AS
            SELECT * FROM stored_ratings_history
            UNION ALL
            SELECT f.imdb_id, '{day}' AS day, f.rating, f.votes
            FROM final_movies AS f LEFT JOIN (
                SELECT imdb_id, arg_max(rating, day) AS rating, arg_max(votes, day) AS votes, max(day) AS day
                FROM stored_ratings_history GROUP BY imdb_id
            ) AS last USING (imdb_id)
            SEMI JOIN chosen ON chosen.imdb_id = f.imdb_id
            WHERE f.rating IS NOT NULL AND (last.day IS NULL OR last.day < '{day}')
              AND (f.rating IS DISTINCT FROM last.rating OR f.votes IS DISTINCT FROM last.votes)
            """
        )

    def _find_gone(self, selection: Selection) -> None:
        """Finds stored titles that are not in the new files; a title whose row was rejected is not gone."""
        rejected = self._folder / f"rejected-{DataFile.BASICS}.tsv"
        refused = "SELECT NULL::VARCHAR AS imdb_id WHERE false"
        if rejected.is_file():
            refused = (
                "SELECT split_part(line, '\t', 4) AS imdb_id"
                f" FROM read_csv({quoted(str(rejected))}, delim='\x01', quote='', escape='', header=true,"
                " auto_detect=false, columns={'line': 'VARCHAR'}, max_line_size=20000000)"
            )
        self._execute(
            "CREATE OR REPLACE TABLE gone AS"
            " SELECT s.imdb_id FROM stored_movies AS s ANTI JOIN basics ON tconst = s.imdb_id"
            f" ANTI JOIN ({refused}) AS refused ON refused.imdb_id = s.imdb_id WHERE s.source = '{Source.DATASETS}'"
        )
        if selection.prune:
            for table in (Table.MOVIES, Table.CREDITS, Table.AKAS):
                self._execute(f"DELETE FROM final_{table} WHERE imdb_id IN (SELECT imdb_id FROM gone)")
        limit = "" if selection.prune else " LIMIT 0"
        self._copy(f"SELECT imdb_id FROM gone ORDER BY imdb_id{limit}", f"{Table.MOVIES}.gone.parquet")

    def _join_credits(self, kind: str) -> None:
        # Each category of credits comes from one source as a whole: those of a page are kept.
        self._execute(
            f"""
            CREATE OR REPLACE {kind} final_credits AS
            WITH paged AS (SELECT imdb_id FROM stored_movies WHERE source IS DISTINCT FROM '{Source.DATASETS}')
            SELECT n.* FROM new_credits AS n
            ANTI JOIN (SELECT DISTINCT s.imdb_id, s.category FROM stored_credits AS s SEMI JOIN paged USING (imdb_id))
                AS told ON told.imdb_id = n.imdb_id AND told.category = n.category
            UNION ALL
            SELECT * FROM stored_credits
            ANTI JOIN (SELECT DISTINCT imdb_id FROM new_credits ANTI JOIN paged USING (imdb_id)) AS replaced
                USING (imdb_id)
            """
        )

    # --- writing -------------------------------------------------------------------

    def _write(self, table: Table, counts: LoadCounts) -> None:
        columns = ", ".join(column_name(name) for name in table.columns)
        order = ", ".join(
            f"try_cast({column_name(name)} AS BIGINT)"
            if table.fields[table.column_index(name)].is_number
            else column_name(name)
            for name in table.key
        )
        grouped = table in (Table.CREDITS, Table.AKAS)
        if table in self._untouched:
            nothing = ", ".join(f"NULL::VARCHAR AS {column_name(name)}" for name in table.columns)
            self._copy(f"SELECT {nothing} WHERE false", f"{table}.changed.parquet")
            if grouped:
                self._copy("SELECT NULL::VARCHAR AS imdb_id WHERE false", f"{table}.replaced.parquet")
            return
        whole = f"SELECT {columns} FROM final_{table}"
        counts.rows[table.value] = self._copy(f"{whole} ORDER BY {order}", f"{table}.parquet")
        if not self._has_stored(table):  # all rows are new
            written = self._folder / f"{table}.parquet"
            os.link(written, self._folder / f"{table}.changed.parquet")
            if grouped:
                ids = f"SELECT DISTINCT imdb_id FROM {quoted(str(written))} ORDER BY imdb_id"
                self._copy(ids, f"{table}.replaced.parquet")
            return
        stored = f"SELECT {columns} FROM stored_{table}"
        if grouped:
            self._execute(
                f"CREATE OR REPLACE TABLE replaced_{table} AS SELECT DISTINCT imdb_id"
                f" FROM (({whole} EXCEPT {stored}) UNION ALL ({stored} EXCEPT {whole}))"
            )
            self._copy(f"SELECT imdb_id FROM replaced_{table} ORDER BY imdb_id", f"{table}.replaced.parquet")
            changed = f"{whole} SEMI JOIN replaced_{table} USING (imdb_id)"
        elif table is Table.RATINGS_HISTORY:
            changed = f"{whole} EXCEPT {stored}"
        else:  # the other rows are unchanged
            among = f"SEMI JOIN new_{table} USING ({table.key[0]})"
            changed = f"{whole} {among} EXCEPT {stored} {among}"
        self._copy(f"SELECT * FROM ({changed}) ORDER BY {order}", f"{table}.changed.parquet")

    def _copy(self, query: str, name: str) -> int:
        """Writes the rows of a query; returns their number."""
        target = quoted(str(self._folder / name))
        return self._count_of(f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE 50000)")

    def _count(self, counts: LoadCounts) -> None:
        changed = quoted(str(self._folder / f"{Table.MOVIES}.changed.parquet"))
        counts.new = self._count_of(f"SELECT count(*) FROM {changed} ANTI JOIN stored_movies USING (imdb_id)")
        counts.changed = self._count_of(f"SELECT count(*) FROM {changed}") - counts.new
        counts.gone = self._count_of("SELECT count(*) FROM gone")
        counts.rejected = {file.value: count for file, count in self._rejected.items()}

    # --- running -------------------------------------------------------------------

    def _run(self, phase: str, step: Callable[..., None], *arguments: object) -> None:
        if self._cancel.is_set():
            raise Cancelled("the load was stopped")
        self._on_phase(phase)
        step(*arguments)

    def _execute(self, query: str) -> duckdb.DuckDBPyConnection:
        with when_set(self._cancel, self._con.interrupt), translated_errors(self._folder):
            return self._con.execute(query)

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._execute(query).fetchall()

    def _has_stored(self, table: Table) -> bool:
        return bool(self._rows(f"SELECT 1 FROM stored_{table} LIMIT 1"))

    def _count_of(self, query: str) -> int:
        ((count,),) = self._rows(query)
        return int(count)


def require_newer(day: date, loaded: str) -> None:
    """Refuses data files that are older than those of the day that is loaded; empty: none.

    Raises:
        UsageError: they are older.
    """
    if loaded > day.isoformat():
        raise UsageError(f"the data files are of {day}, and those of {loaded} are loaded: use newer files")


class _MixedLineEnds(UsageError):
    """A carriage return is within a line, or not before every line feed."""


@contextmanager
def translated_errors(folder: Path) -> Iterator[None]:
    """Converts DuckDB's errors; ``folder`` is its working folder.

    Raises:
        UsageError: a file is damaged, or DuckDB needs more memory.
        StoreUnavailable: the disk is full.
        Cancelled: the query was interrupted.
    """
    import duckdb

    try:
        yield
    except duckdb.InterruptException as error:
        raise Cancelled("the load was stopped") from error
    except duckdb.OutOfMemoryException as error:
        raise UsageError(f"DuckDB needs more memory: set DATASETS_MEMORY higher ({_first_line(error)})") from error
    except duckdb.Error as error:
        # DuckDB has no separate error for a full disk, which a write, a commit or a checkpoint can meet.
        if "No space left" in str(error):
            raise StoreUnavailable(
                "datasets", f"the disk of {folder} is full: free some and run the same command again"
            ) from error
        if "CSV Parser state machine" in str(error):
            raise _MixedLineEnds(f"a data file has lines of different ends: {_first_line(error)}") from error
        if isinstance(error, duckdb.InvalidInputException):
            raise UsageError(f"a data file cannot be read: {_first_line(error)}") from error
        if not isinstance(error, duckdb.IOException):
            raise
        raise UsageError(f"a data file is damaged; download it again: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
