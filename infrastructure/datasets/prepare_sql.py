"""The SQL of a load that is derived from the field table, and its macros."""

from __future__ import annotations

from typing import Final

from domain.fields import Field, Source, Table

# Most texts are unchanged; their short cases are several times as fast as the general one.
MACROS: Final = r"""
CREATE OR REPLACE MACRO clean(x) AS
    CASE WHEN regexp_matches(x, '[\x00-\x1f]') THEN trim(regexp_replace(x, '[\x00-\x1f]', ' ', 'g')) ELSE trim(x) END;
CREATE OR REPLACE MACRO unquoted(x) AS CASE WHEN x LIKE '"[%]"' THEN replace(x[2:-2], '""', '"') ELSE x END;
CREATE OR REPLACE MACRO whole(x) AS try_cast(x AS BIGINT)::VARCHAR;
CREATE OR REPLACE MACRO year_text(x) AS CASE WHEN try_cast(x AS INTEGER) BETWEEN 1 AND 9999
    THEN lpad(try_cast(x AS INTEGER)::VARCHAR, 4, '0') END;
CREATE OR REPLACE MACRO one_decimal(x) AS printf('%.1f', try_cast(x AS DOUBLE));
CREATE OR REPLACE MACRO items(l) AS list_filter(list_transform(l, lambda x: clean(x)), lambda x: x <> '');
CREATE OR REPLACE MACRO json_list(l) AS CASE WHEN len(items(l)) > 0
    THEN '[' || array_to_string(list_transform(items(l), lambda x: to_json(x)::VARCHAR), ', ') || ']' END;
CREATE OR REPLACE MACRO one_item(x) AS
    CASE WHEN x IS NULL THEN NULL WHEN regexp_full_match(x, '[^\x00-\x20"\\](?:[^\x00-\x1f"\\]*[^\x00-\x20"\\])?')
    THEN '["' || x || '"]' ELSE json_list([x]) END;
CREATE OR REPLACE MACRO comma_list(x) AS
    CASE WHEN x IS NULL THEN NULL WHEN regexp_full_match(x, '[A-Za-z0-9_-]+(?:,[A-Za-z0-9_-]+)*')
    THEN '["' || replace(x, ',', '", "') || '"]' ELSE json_list(string_split(x, ',')) END;
CREATE OR REPLACE MACRO text_list(x) AS
    CASE WHEN x IS NULL THEN NULL
    WHEN regexp_full_match(x, '\["[^\x00-\x20"\\](?:[^\x00-\x1f"\\]*[^\x00-\x20"\\])?"\]') THEN x
    ELSE json_list(from_json(unquoted(x), '["VARCHAR"]')) END;
"""


def movies_query() -> str:
    """Every movies row: stored, new, or merged by the rule of each field."""
    loaded = {"source", "dataset_day", "incomplete", "source_url", "scraped_at", *(f.name for f in _dataset_fields())}
    # The stored figures are as old as the page or the data files that gave them, whichever is newer.
    is_newer = "n.dataset_day > greatest(left(s.scraped_at, 10), coalesce(s.dataset_day, ''))"
    parts: dict[str, str] = {}
    for column in Table.MOVIES.fields:
        name = column_name(column.name)
        if column.name == "imdb_id":
            parts["imdb_id"] = "n.imdb_id"
        elif column.name not in loaded:
            parts[column.name] = f"s.{name}"
        elif column.name == "dataset_day":
            parts[column.name] = "greatest(n.dataset_day, s.dataset_day)"
        elif column.name == "scraped_at":
            parts[column.name] = (
                f"CASE WHEN s.imdb_id IS NULL OR (s.source = '{Source.DATASETS}' AND n.scraped_at > s.scraped_at)"
                " THEN n.scraped_at ELSE s.scraped_at END"
            )
        elif column.newest_wins:
            figures = f"n.rating IS NOT NULL AND (s.rating IS NULL OR {is_newer})"
            parts[column.name] = f"CASE WHEN s.imdb_id IS NULL OR ({figures}) THEN n.{name} ELSE s.{name} END"
        else:
            from_files = f"coalesce(n.{name}, s.{name})"
            from_page = f"coalesce(s.{name}, n.{name})"
            parts[column.name] = (
                f"CASE WHEN s.source = '{Source.DATASETS}' AND n.scraped_at >= s.scraped_at THEN {from_files}"
                f" ELSE {from_page} END"
            )
    # A row that is the same keeps its day, so that a refresh writes only what differs.
    same = " AND ".join(
        [
            f"({parts[name]}) IS NOT DISTINCT FROM s.{column_name(name)}"
            for name in sorted(loaded - {"dataset_day", "scraped_at"})
        ]
    )
    for name in ("dataset_day", "scraped_at"):
        parts[name] = f"CASE WHEN s.dataset_day IS NOT NULL AND {same} THEN s.{name} ELSE {parts[name]} END"
    columns = ", ".join(f"{expression} AS {column_name(name)}" for name, expression in parts.items())
    return (
        f"SELECT {columns} FROM new_movies AS n LEFT JOIN stored_movies AS s ON s.imdb_id = n.imdb_id"
        " UNION ALL SELECT * FROM stored_movies ANTI JOIN new_movies USING (imdb_id)"
    )


def _dataset_fields() -> tuple[Field, ...]:
    """The movie fields that the data files have."""
    return tuple(column for column in Table.MOVIES.fields if Source.DATASETS in column.sources)


def people_query() -> str:
    """Every people row: the name from the later reading; details as those of movies.

    Details of another source get from the data files only what they lack. A row that is the
    same keeps its time, so that a refresh writes only what differs.
    """
    columns = Table.PEOPLE.columns
    split = columns.index("born")
    rename = (
        "(s.person_id IS NULL OR (n.name IS DISTINCT FROM s.name AND"
        " (n.read_at > coalesce(s.read_at, '') OR (n.read_at = s.read_at AND n.name < s.name))))"
    )
    replaced = (
        "(n.person_id IS NOT NULL AND (s.details_read_at IS NULL"
        f" OR (s.details_source = '{Source.DATASETS}' AND n.details_read_at >= s.details_read_at)))"
    )
    stamps = ("details_read_at", "details_source")
    differ = " OR ".join(
        f"coalesce(n.{name}, s.{name}) IS DISTINCT FROM s.{name}" for name in columns[split:] if name not in stamps
    )
    parts = ["coalesce(s.person_id, n.person_id) AS person_id"]
    for place, name in enumerate(columns[1:], start=1):
        if place < split:
            part = f"CASE WHEN n.person_id IS NOT NULL AND {rename} THEN n.{name} ELSE s.{name} END"
        elif name in stamps:
            part = f"CASE WHEN {replaced} AND (s.details_read_at IS NULL OR {differ}) THEN n.{name} ELSE s.{name} END"
        else:
            part = f"CASE WHEN {replaced} THEN coalesce(n.{name}, s.{name}) ELSE coalesce(s.{name}, n.{name}) END"
        parts.append(f"{part} AS {name}")
    return f"SELECT {', '.join(parts)} FROM stored_people AS s FULL JOIN new_people AS n ON n.person_id = s.person_id"


def is_id(column: str, prefix: str) -> str:
    return f"regexp_full_match({column}, '{prefix}[0-9]{{7,10}}')"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def column_name(column: str) -> str:
    return f'"{column}"'
