"""The head of a page: its names and addresses, as search engines and link previews read them."""

from __future__ import annotations

from typing import Final

from infrastructure.demo.markup import duration, text
from infrastructure.demo.titles import DemoTitle

CANONICAL: Final = "https://www.imdb.com"  # what pages call themselves, whoever serves them
_OPENING: Final = (
    '<!DOCTYPE html><html lang="en-US" xmlns:og="http://opengraphprotocol.org/schema/"><head><meta charSet="utf-8"/>'
    "<meta name=\"viewport\" content=\"width=device-width\"/><script>if(typeof uet === 'function'){ uet('bb', "
    "'LoadTitle', {wb: 1}); }</script>"
)


def title_head(title: DemoTitle, poster: str | None) -> str:
    """From the doctype to the last meta of a title page; the head is left open."""
    name = f"{title.title} ({title.year})" if title.year else title.title
    score = "" if title.rating is None else f" ⭐ {title.rating:.1f}"
    facts = [duration(title.runtime_seconds) if title.runtime_seconds else "", title.certificate or ""]
    makers = " With " + ", ".join(role.person.name for role in title.cast[:4]) + "." if title.cast else ""
    image = "" if poster is None else _meta("og:image", f"{poster.removesuffix('.jpg')}FMjpg_UX1000_.jpg")
    return (
        f"{_OPENING}<title>{text(name)} - IMDb</title>"
        f'<meta name="description" content="{text(title.title)}:{text(makers)} {text(title.plot or "")}" '
        f'data-id="main"/>{_address(f"/title/{title.imdb_id}/")}'
        f"{_meta('og:title', name + score + ' | ' + ', '.join(title.genres))}"
        f"{_meta('og:description', ' | '.join(fact for fact in facts if fact))}"
        f"{_meta('og:type', 'video.tv_show' if title.kind == 'tvSeries' else 'video.movie')}{image}"
        f"{_meta('imdb:pageType', 'title')}{_meta('imdb:subPageType', 'main')}"
        f"{_meta('imdb:pageConst', title.imdb_id)}"
    )


def chart_head(heading: str, path: str) -> str:
    """From the doctype to the last meta of a chart page; the head is left open."""
    return (
        f"{_OPENING}<title>{text(heading)} - IMDb</title>{_address(f'{path}/')}{_meta('og:title', heading)}"
        f"{_meta('og:type', 'website')}{_meta('imdb:pageType', 'chart')}"
    )


def _address(path: str) -> str:
    return f'{_meta("og:url", CANONICAL + path)}<link rel="canonical" href="{CANONICAL}{path}"/>'


def _meta(name: str, content: str) -> str:
    return f'<meta property="{name}" content="{text(content)}"/>'
