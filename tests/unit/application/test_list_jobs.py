from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.list_jobs import jobs_of_chart, jobs_of_lines
from application.ports import Job
from domain.chart import ChartEntry


def test_a_chart_becomes_jobs_with_ranks() -> None:
    entries = [ChartEntry(1, "tt0000007"), ChartEntry(2, "tt0000003")]
    assert list(jobs_of_chart(entries)) == [Job(0, "tt0000007", 1), Job(1, "tt0000003", 2)]


@pytest.mark.parametrize(
    "line",
    [
        "tt0111161",
        "\ufefftt0111161\r\n",
        "  tt0111161  # the first\n",
        "https://www.imdb.com/title/tt0111161/",
        "https://www.imdb.com/title/tt0111161/?ref_=chttp_t_1",
        "http://m.imdb.com/title/tt0111161#top",
        "www.imdb.com/title/tt0111161/reference",
        "/title/tt0111161",
    ],
)
def test_a_line_is_an_id_or_an_address(line: str) -> None:
    complaints: list[str] = []
    assert list(jobs_of_lines([line], complaints.append)) == [Job(0, "tt0111161")]
    assert complaints == []


def test_a_bad_line_is_named_with_its_number_and_skipped() -> None:
    complaints: list[str] = []
    lines = ["# my list\n", "\n", "tt0111161\n", "nm0000209\n", "tt12\n", "tt0068646\n"]
    assert [job.key for job in jobs_of_lines(lines, complaints.append)] == ["tt0111161", "tt0068646"]
    assert [complaint.split(":")[0] for complaint in complaints] == ["line 4", "line 5"]


@given(st.lists(st.text()))
def test_any_lines_are_read(lines: list[str]) -> None:
    complaints: list[str] = []
    jobs = list(jobs_of_lines(lines, complaints.append))
    assert [job.seq for job in jobs] == list(range(len(jobs)))
    assert len(jobs) + len(complaints) <= len(lines)
