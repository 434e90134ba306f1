"""The job as most people would write it: requests, BeautifulSoup, a thread pool, csv.writer behind a lock, psycopg2.

python -m tests.benchmarks.contenders.soup_pool
"""

from __future__ import annotations

import csv
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import requests
from bs4 import BeautifulSoup, Tag

from tests.benchmarks.contenders.fields import (
    INSERT_CREDIT,
    INSERT_MOVIE,
    INSERT_PERSON,
    MOVIE_COLUMNS,
    chart_ids,
    read_title,
)

URL = os.environ["BENCH_URL"]
HEADERS = {"User-Agent": "Mozilla/5.0", "Accept-Language": "en-US"}


def island_of(url: str, session: requests.Session) -> str:
    """The page's data, found in its parsed markup."""
    response = session.get(url, headers=HEADERS, timeout=30)
    response.raise_for_status()
    script = BeautifulSoup(response.text, "lxml").find("script", id="__NEXT_DATA__")
    return script.string or "" if isinstance(script, Tag) else ""


def main() -> None:
    """Chart, then titles."""
    own, writing = threading.local(), threading.Lock()
    with Path(os.environ["BENCH_OUT"], "movies.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*MOVIE_COLUMNS, "credits"])
        writer.writeheader()

        def work(entry: tuple[int, str]) -> None:
            rank, imdb_id = entry
            if not hasattr(own, "session"):
                own.session, own.connection = requests.Session(), psycopg2.connect(os.environ["BENCH_DSN"])
            movie, credits = read_title(island_of(f"{URL}/title/{imdb_id}/", own.session), rank)
            people = sorted(credits, key=lambda credit: str(credit["person_id"]))  # or the rows' locks deadlock
            with writing:
                writer.writerow({**movie, "credits": credits})
            with own.connection as connection, connection.cursor() as cursor:
                cursor.execute(INSERT_MOVIE, movie)
                cursor.executemany(INSERT_PERSON, people)
                cursor.executemany(INSERT_CREDIT, credits)

        chart = chart_ids(island_of(f"{URL}/chart/top/", requests.Session()))
        with ThreadPoolExecutor(int(os.environ["BENCH_THREADS"])) as pool:
            for _ in pool.map(work, chart):
                pass


if __name__ == "__main__":
    main()
