"""The job in Scrapy, as its documentation teaches it: a spider, a CSV feed, an item pipeline for PostgreSQL.

scrapy runspider tests/benchmarks/contenders/scrapy_spider.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg2
import scrapy
from scrapy.http import Response

from tests.benchmarks.contenders.fields import INSERT_CREDIT, INSERT_MOVIE, INSERT_PERSON, chart_ids, read_title

THREADS = int(os.environ["BENCH_THREADS"])


class PostgresPipeline:
    """Saves each item in a transaction."""

    def open_spider(self) -> None:
        self.connection = psycopg2.connect(os.environ["BENCH_DSN"])

    def close_spider(self) -> None:
        self.connection.close()

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(INSERT_MOVIE, item)
            cursor.executemany(INSERT_PERSON, item["credits"])
            cursor.executemany(INSERT_CREDIT, item["credits"])
        return item


class TitleSpider(scrapy.Spider):  # type: ignore[misc]  # installed for the benchmark only
    name = "titles"
    custom_settings = {  # noqa: RUF012 - Scrapy's own form
        "CONCURRENT_REQUESTS": THREADS,
        "CONCURRENT_REQUESTS_PER_DOMAIN": THREADS,
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": True,
        "LOG_LEVEL": "WARNING",
        "TELNETCONSOLE_ENABLED": False,
        "FEEDS": {os.environ["BENCH_OUT"] + "/movies.csv": {"format": "csv"}},
        "ITEM_PIPELINES": {PostgresPipeline: 300},
    }
    start_urls = [os.environ["BENCH_URL"] + "/chart/top/"]  # noqa: RUF012

    def parse(self, response: Response) -> Iterator[scrapy.Request]:
        island = response.css("script#__NEXT_DATA__::text").get()
        for rank, imdb_id in chart_ids(island):
            yield response.follow(f"/title/{imdb_id}/", self.parse_title, cb_kwargs={"rank": rank})

    def parse_title(self, response: Response, rank: int) -> Iterator[dict[str, Any]]:
        movie, credits = read_title(response.css("script#__NEXT_DATA__::text").get(), rank)
        yield {**movie, "credits": credits}
