from __future__ import annotations

import io

import pytest
from PIL import Image

from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.messages import DemoRequest, DemoResponse
from infrastructure.demo.posters import PosterServer
from infrastructure.demo.titles import ODD_PLACES


@pytest.fixture(scope="module")
def catalogue() -> DemoCatalogue:
    return DemoCatalogue(1, 250)


@pytest.fixture(scope="module")
def posters(catalogue: DemoCatalogue) -> PosterServer:
    return PosterServer(catalogue)


def fetch(posters: PosterServer, path: str, **headers: str) -> DemoResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = posters.answer(DemoRequest("GET", path, "127.0.0.1", named))
    assert answer is not None
    return answer


def opened(answer: DemoResponse) -> Image.Image:
    picture = Image.open(io.BytesIO(answer.content))
    picture.load()
    return picture


def test_a_poster_is_a_jpeg_of_real_size(posters: PosterServer, catalogue: DemoCatalogue) -> None:
    answer = fetch(posters, f"/images/M/{next(catalogue.ids())}@._V1_.jpg")
    picture = opened(answer)
    assert (picture.format, picture.size) == ("JPEG", (1000, 1500))
    assert 100_000 < answer.length < 350_000
    assert answer.content_type == "image/jpeg"


@pytest.mark.parametrize(
    ("orders", "size"),
    [
        ("UX380_", (380, 570)),
        ("UY570_", (380, 570)),
        ("QL75_UX190_CR0,2,190,281_", (190, 285)),
        ("UX4000_", (1000, 1500)),
    ],
)
def test_the_size_asked_for_is_sent_but_never_a_larger_one(
    posters: PosterServer, catalogue: DemoCatalogue, orders: str, size: tuple[int, int]
) -> None:
    assert opened(fetch(posters, f"/images/M/{next(catalogue.ids())}@._V1_{orders}.jpg")).size == size


def test_quality_is_obeyed(posters: PosterServer, catalogue: DemoCatalogue) -> None:
    path = f"/images/M/{next(catalogue.ids())}@._V1_"
    low, high = fetch(posters, f"{path}QL20_UX300_.jpg"), fetch(posters, f"{path}QL90_UX300_.jpg")
    assert low.length < high.length


def test_posters_repeat_byte_for_byte_and_differ_from_each_other(catalogue: DemoCatalogue) -> None:
    first, second = list(catalogue.ids())[:2]
    path = "/images/{}._V1_UX200_.jpg"
    one = fetch(PosterServer(catalogue), path.format(first)).content
    assert one == fetch(PosterServer(catalogue), path.format(first)).content
    assert one != fetch(PosterServer(catalogue), path.format(second)).content
    again = DemoCatalogue(2, 250)
    assert one != fetch(PosterServer(again), path.format(next(again.ids()))).content


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified"])
def test_what_the_visitor_has_is_not_sent_again(
    posters: PosterServer, catalogue: DemoCatalogue, validator: str
) -> None:
    path = f"/images/M/{next(catalogue.ids())}@._V1_UX200_.jpg"
    told = dict(fetch(posters, path).headers)[validator]
    condition = {"if_none_match": told} if validator == "ETag" else {"if_modified_since": told}
    answer = fetch(posters, path, **condition)
    assert (answer.status, answer.length) == (304, 0)


def test_another_size_is_another_picture(posters: PosterServer, catalogue: DemoCatalogue) -> None:
    path = f"/images/M/{next(catalogue.ids())}@._V1_"
    told = dict(fetch(posters, f"{path}UX200_.jpg").headers)["ETag"]
    assert fetch(posters, f"{path}UX300_.jpg", if_none_match=told).status == 200


def test_no_poster_no_answer(posters: PosterServer, catalogue: DemoCatalogue) -> None:
    without = list(catalogue.ids())[ODD_PLACES["no poster"]]
    for path in (f"/images/M/{without}@._V1_.jpg", "/images/M/tt0000000@._V1_.jpg", "/images/M/nonsense.jpg", "/"):
        assert posters.answer(DemoRequest("GET", path, "127.0.0.1")) is None


def test_only_the_last_posters_are_kept(catalogue: DemoCatalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.demo.posters._KEPT", 2)
    small = PosterServer(catalogue)
    for imdb_id in list(catalogue.ids())[:4]:
        fetch(small, f"/images/M/{imdb_id}@._V1_UX100_.jpg")
    assert small._drawn.cache_info().currsize == 2


def test_titles_in_any_script_are_drawn(posters: PosterServer, catalogue: DemoCatalogue) -> None:
    for name in ("right to left", "emoji", "lone surrogate", "very long title", "formula"):
        imdb_id = list(catalogue.ids())[ODD_PLACES[name]]
        assert opened(fetch(posters, f"/images/M/{imdb_id}@._V1_UX100_.jpg")).size == (100, 150)
