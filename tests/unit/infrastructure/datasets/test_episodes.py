"""Lists of episodes from ``title.episode``."""

from __future__ import annotations

import gzip
import threading
from contextlib import closing
from pathlib import Path

import pytest

from domain.errors import NotFound, UsageError
from infrastructure.datasets.files import DataFile, find_data_files
from infrastructure.datasets.source import DatasetEpisodeSource
from tests.support.data_files import Rows, write_data_files

SERIES = "tt2000000"
ROWS: Rows = (
    ("tt2000009", SERIES, "2", "1"),
    ("tt2000003", SERIES, "1", "10"),
    ("tt2000004", SERIES, "\\N", "\\N"),
    ("tt2000002", SERIES, "1", "2"),
    ("tt2000002", SERIES, "1", "2"),
    ("no id", SERIES, "1", "3"),
    ("tt2000007", "tt2000001", "1", "1"),
    ("tt2000008", SERIES),
)


def source(tmp_path: Path, rows: Rows | bytes = ROWS) -> DatasetEpisodeSource:
    folder = write_data_files(tmp_path / "files", episodes=rows)
    return DatasetEpisodeSource(
        lambda: find_data_files(folder, (DataFile.EPISODES,))[DataFile.EPISODES], tmp_path / "work", memory="256MB"
    )


def listed(source: DatasetEpisodeSource, imdb_id: str) -> list[str]:
    return [episode for episode, _ in source.episodes(imdb_id, threading.Event())]


def test_episodes_come_by_season_and_number_and_those_without_last(tmp_path: Path) -> None:
    with closing(source(tmp_path)) as episodes:
        assert listed(episodes, SERIES) == ["tt2000002", "tt2000003", "tt2000009", "tt2000004"]
        assert listed(episodes, "tt2000001") == ["tt2000007"]
    assert not (tmp_path / "work").exists()


def test_an_episode_leads_to_its_series_and_the_others(tmp_path: Path) -> None:
    with closing(source(tmp_path)) as episodes:
        assert listed(episodes, "tt2000009") == [SERIES, "tt2000002", "tt2000003", "tt2000009", "tt2000004"]


def test_a_title_without_episodes_is_not_found(tmp_path: Path) -> None:
    with closing(source(tmp_path)) as episodes, pytest.raises(NotFound, match=r"no episodes in title\.episode"):
        listed(episodes, "tt9999999")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    whole = gzip.compress(
        "".join(
            "\t".join(row) + "\n" for row in [DataFile.EPISODES.columns, *(ROWS[0] for _ in range(40_000))]
        ).encode()
    )
    with closing(source(tmp_path, whole[: len(whole) // 2])) as episodes, pytest.raises(UsageError, match="again"):
        listed(episodes, SERIES)
