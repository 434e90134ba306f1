"""Posters over sockets: from the demo site, through the real network layer, onto a real disk."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from application.ports.runs import Status
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.http import Downloader
from infrastructure.posters import EncodingOptions, PosterFolder
from tests.support import pictures
from tests.support.demo_control import DemoControl
from tests.support.demo_network import demo_network
from tests.support.fault_site import FaultSite, reply
from tests.support.poster_run import fetch_posters

_COUNT = 12
_SMALL = EncodingOptions(full_width=240, thumb_width=120)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with DemoProcess(DemoOptions(count=40, page_kb=0, prepare=0)) as process:
        yield process.url


@pytest.fixture
def control(site: str) -> Iterator[DemoControl]:
    control = DemoControl(site)
    control.reset()
    yield control
    control.faults([])
    control.reset()


@pytest.fixture
def downloader(site: str) -> Iterator[Downloader]:
    with demo_network(site) as opened:
        yield opened


@pytest.fixture
def addresses(site: str) -> dict[str, str]:
    catalogue = DemoCatalogue(1, 40)
    known = [title for imdb_id in catalogue.ids() if (title := catalogue.find(imdb_id)) and title.has_poster]
    return {title.imdb_id: f"{site}/images/M/{title.imdb_id}@._V1_.jpg" for title in known[:_COUNT]}


def _requests(control: DemoControl) -> dict[str, int]:
    paths: dict[str, int] = control.log()["paths"]
    return {path: count for path, count in paths.items() if path.startswith("/images/")}


def test_each_poster_is_asked_for_once_and_in_the_size_that_is_needed(
    control: DemoControl, downloader: Downloader, addresses: dict[str, str], tmp_path: Path
) -> None:
    store = PosterFolder(tmp_path, _SMALL)
    outcomes = fetch_posters(downloader, store, addresses)
    assert {outcome.status for outcome in outcomes.values()} == {Status.COMPLETED}
    asked = _requests(control)
    assert len(asked) == _COUNT
    assert set(asked.values()) == {1}
    assert all("._V1_UX240_.jpg" in path for path in asked)
    for poster in store.posters():
        assert Image.open(io.BytesIO(poster.files[0].path.read_bytes())).width == 240
        assert poster.etag
    assert sum(outcome.size for outcome in outcomes.values()) > 1000
    assert all(outcome.requests == 1 for outcome in outcomes.values())


def test_a_second_run_asks_for_nothing(
    control: DemoControl, downloader: Downloader, addresses: dict[str, str], tmp_path: Path
) -> None:
    fetch_posters(downloader, PosterFolder(tmp_path, _SMALL), addresses)
    control.reset()
    outcomes = fetch_posters(downloader, PosterFolder(tmp_path, _SMALL), addresses)
    assert {outcome.detail for outcome in outcomes.values()} == {"unchanged"}
    assert _requests(control) == {}


def test_a_run_after_the_answers_have_grown_old_downloads_and_encodes_nothing(
    control: DemoControl, downloader: Downloader, addresses: dict[str, str], tmp_path: Path
) -> None:
    store = PosterFolder(tmp_path, _SMALL)
    fetch_posters(downloader, store, addresses)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("tt*")}
    control.reset()
    outcomes = fetch_posters(downloader, store, addresses, recheck_after=timedelta(0))
    assert {outcome.detail for outcome in outcomes.values()} == {"unchanged"}
    assert sum(_requests(control).values()) == _COUNT
    assert control.log()["statuses"] == {"304": _COUNT}
    assert sum(outcome.size for outcome in outcomes.values()) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("tt*")} == written


def test_workers_and_a_single_one_leave_the_same_files(
    downloader: Downloader, addresses: dict[str, str], tmp_path: Path
) -> None:
    fetch_posters(downloader, PosterFolder(tmp_path / "many", _SMALL), addresses, workers=8)
    fetch_posters(downloader, PosterFolder(tmp_path / "one", _SMALL), addresses, workers=1)
    found = [{path.name: path.read_bytes() for path in (tmp_path / part).glob("tt*")} for part in ("many", "one")]
    assert found[0] == found[1]
    assert len(found[0]) >= 2 * _COUNT


@pytest.mark.parametrize("strange", ["error page", "svg", "truncated", pytest.param("huge", marks=pytest.mark.long)])
def test_a_strange_picture_is_a_warning_and_the_rest_are_done(
    control: DemoControl,
    downloader: Downloader,
    addresses: dict[str, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    strange: str,
) -> None:
    victim = next(iter(addresses))
    control.replace(f"/images/M/{victim}@._V1_UX240_.jpg", *pictures.strange(strange))
    store = PosterFolder(tmp_path, _SMALL)
    with caplog.at_level(logging.WARNING):
        outcomes = fetch_posters(downloader, store, addresses)
    assert outcomes[victim].status is Status.FAILED
    assert outcomes[victim].reason == "UnusablePicture"
    assert [record.message.partition(":")[0] for record in caplog.records] == [victim]
    assert {poster.imdb_id for poster in store.posters()} == set(addresses) - {victim}


@pytest.mark.parametrize("strange", ["animated gif", "cmyk"])
def test_an_unusual_picture_is_made_into_a_usual_one(
    control: DemoControl, downloader: Downloader, addresses: dict[str, str], tmp_path: Path, strange: str
) -> None:
    victim = next(iter(addresses))
    control.replace(f"/images/M/{victim}@._V1_UX240_.jpg", *pictures.strange(strange))
    store = PosterFolder(tmp_path, _SMALL)
    fetch_posters(downloader, store, {victim: addresses[victim]})
    (poster,) = store.posters()
    for file in poster.files:
        assert Image.open(io.BytesIO(file.path.read_bytes())).mode == "RGB"


def test_the_network_layers_retries_and_refusals_hold_for_posters_too(
    control: DemoControl, downloader: Downloader, addresses: dict[str, str], tmp_path: Path
) -> None:
    first, second, *_ = addresses
    control.faults([f"/images/M/{first}@._V1_UX240_.jpg=503x2", f"/images/M/{second}@._V1_UX240_.jpg=404"])
    outcomes = fetch_posters(downloader, PosterFolder(tmp_path, _SMALL), addresses)
    assert (outcomes[first].status, outcomes[first].requests) == (Status.COMPLETED, 3)
    assert (outcomes[second].status, outcomes[second].reason) == (Status.FAILED, "NotFound")


@pytest.mark.parametrize("fault", ["challenge", "403"])
def test_an_image_host_that_refuses_fails_its_posters_and_no_others(
    control: DemoControl, site: str, addresses: dict[str, str], tmp_path: Path, fault: str
) -> None:
    refusal = reply(202, b"", {"x-amzn-waf-action": "challenge"}) if fault == "challenge" else reply(403, b"no")
    with FaultSite("127.0.0.3") as refusing, demo_network(site, also=refusing.url) as opened:
        refusing.plan("*", refusal)
        theirs = {f"tt77777{number:02}": f"{refusing.url}/{number}.jpg" for number in range(20)}
        outcomes = fetch_posters(opened, PosterFolder(tmp_path, _SMALL), theirs | addresses)

    assert {outcomes[imdb_id].status for imdb_id in addresses} == {Status.COMPLETED}
    for imdb_id in theirs:
        outcome = outcomes[imdb_id]
        assert (outcome.status, outcome.blocked, outcome.retry) == (Status.FAILED, False, False)
        assert ("challenge" if fault == "challenge" else "403 Forbidden") in outcome.detail


def test_one_forbidden_poster_of_a_host_leaves_its_others_alone(
    control: DemoControl, downloader: Downloader, addresses: dict[str, str], tmp_path: Path
) -> None:
    first = next(iter(addresses))
    control.faults([f"/images/M/{first}@._V1_UX240_.jpg=403"])
    outcomes = fetch_posters(downloader, PosterFolder(tmp_path, _SMALL), addresses)

    assert [imdb_id for imdb_id, outcome in outcomes.items() if outcome.status is Status.FAILED] == [first]
    assert "403 Forbidden" in outcomes[first].detail


def test_a_poster_on_this_machine_is_not_requested(
    control: DemoControl, downloader: Downloader, addresses: dict[str, str], tmp_path: Path
) -> None:
    with FaultSite("127.0.0.3") as hidden:
        outcomes = fetch_posters(
            downloader, PosterFolder(tmp_path, _SMALL), addresses | {"tt7777700": f"{hidden.url}/admin?x=.jpg"}
        )
        assert hidden.seen == []

    failed = {imdb_id: outcome.detail for imdb_id, outcome in outcomes.items() if outcome.status is Status.FAILED}
    assert list(failed) == ["tt7777700"]
    assert "127.0.0.3 is not a public address" in failed["tt7777700"]
