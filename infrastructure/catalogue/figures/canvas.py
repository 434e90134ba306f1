"""Drawing with matplotlib in the catalogue's own manner, as SVG that lives in a page.

Colours are drawn as stand-ins and become CSS variables, so that one drawing
serves light and dark. Text stays text, in the page's typeface.
"""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lxml import etree
from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

INK: Final = "#010101"
SOFT: Final = "#020202"
LINE: Final = "#030303"
MARK: Final = "#040404"
GROUND: Final = "#050505"
_VARIABLES: Final = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    LINE: "var(--line)",
    MARK: "var(--mark)",
    GROUND: "var(--ground)",
}
_SVG: Final = "{http://www.w3.org/2000/svg}"
_XLINK_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_FAMILY: Final = re.compile(r"font-family: [^;]*;? ?")
_SHORTHAND: Final = re.compile(r"font: ([\d.]+)px [^;]*")
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")
WIDE: Final = 1120
NARROW: Final = 360


@contextmanager
def house_style() -> Iterator[None]:
    """The settings that all drawing happens under, whatever the user's own are."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams["svg.fonttype"] = "none"
        mpl.rcParams["svg.hashsalt"] = "filmledger"  # otherwise ids are random
        mpl.rcParams["text.parse_math"] = False  # a title may hold dollar signs
        # Text is drawn by the browser; that matplotlib's own font lacks a script only makes its guess of a width worse.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def canvas(*, wide: bool, height: int, left: int, right: int = 24, bottom: int = 44) -> tuple[Drawing, Axes]:
    """An empty drawing with one pair of axes; all measures in CSS pixels at the drawing's own size."""
    from matplotlib.figure import Figure as Drawing

    width = WIDE if wide else NARROW
    drawing = Drawing(figsize=(width / 72, height / 72), dpi=72)  # a point is a pixel
    axes = drawing.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + 14) / height))
    axes.patch.set_visible(False)
    drawing.patch.set_visible(False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=14 if wide else 13, labelcolor=SOFT, pad=8)
    axes.set_axisbelow(True)
    return drawing, axes


def rules(axes: Axes, direction: str) -> None:
    """Hairlines at the ticks of the ``x`` or ``y`` axis."""
    axes.grid(visible=True, axis="x" if direction == "x" else "y", color=LINE, linewidth=1)


def dots(
    axes: Axes, points: Iterable[tuple[float, float]], *, color: str = INK, size: float = 26, opacity: float = 0.55
) -> None:
    """A dot for each point; points that fall on one another make one larger dot, up to four times the area."""
    counted = Counter(points)
    levels: dict[int, list[tuple[float, float]]] = {}
    for point in sorted(counted):
        levels.setdefault(min(counted[point], 4), []).append(point)
    for level in sorted(levels):
        xs, ys = zip(*levels[level], strict=True)
        axes.scatter(xs, ys, s=size * level, color=color, alpha=opacity, linewidths=0, zorder=3)


def label(axes: Axes, at: tuple[float, float], text: str, *, dx: float = 8, **style: Any) -> None:
    """Text beside a point, ``dx`` pixels to its right."""
    settings = {"fontsize": 13, "color": INK, "va": "center", "ha": "left", **style}
    axes.annotate(text, at, xytext=(dx, 0), textcoords="offset points", annotation_clip=False, **settings)


def labels(axes: Axes, names: Iterable[tuple[tuple[float, float], str]], *, fontsize: float) -> None:
    """Names beside points, in order of importance; one that would cover another is left out.

    Call it when the axes have their limits. Names stand left of points near the right edge.
    """
    taken: list[tuple[float, float, float, float]] = []
    edge = axes.bbox.x1
    for at, text in names:
        x, y = axes.transData.transform(at)
        width = len(text) * fontsize * 0.52
        leftwards = x + 10 + width > edge
        left = x - 10 - width if leftwards else x + 10
        box = (left, y - fontsize * 0.7, left + width, y + fontsize * 0.7)
        if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            taken.append(box)
            label(axes, at, text, dx=-10 if leftwards else 10, ha="right" if leftwards else "left", fontsize=fontsize)


def shortened(text: str, most: int) -> str:
    """The text, cut with an ellipsis where it is longer than ``most``."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def to_svg(drawing: Drawing, name: str, title: str) -> Markup:
    """The drawing as an element of the page.

    Args:
        drawing: as drawn.
        name: unique on the page; the ids inside begin with it.
        title: what a screen reader says instead.
    """
    out = io.BytesIO()
    # Neither date nor program version: the same films give the same bytes.
    drawing.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    parser = etree.XMLParser(remove_comments=True, remove_blank_text=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(out.getvalue(), parser)
    _clean(root, name)
    heading = etree.Element(f"{_SVG}title")
    heading.text = title
    root.insert(0, heading)
    view = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update({"viewBox": view, "class": "figure", "role": "img", "aria-label": title})
    etree.cleanup_namespaces(root)
    text = etree.tostring(root, encoding="unicode")
    # Inside HTML there are no namespaces to declare, and href needs no prefix.
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href=", "href=")
    return Markup(text)  # noqa: S704 - serialised by lxml, which escapes


def _clean(root: etree._Element, name: str) -> None:
    for element in list(root.iter(f"{_SVG}metadata", f"{_SVG}style")):
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    referred = set()
    for element in root.iter():
        href = element.get(_XLINK_HREF, "")
        if href.startswith("#"):
            referred.add(href[1:])
            element.set(_XLINK_HREF, f"#{name}-{href[1:]}")
        clip = element.get("clip-path", "")
        if match := _REFERENCE.fullmatch(clip):
            referred.add(match[1])
            element.set("clip-path", f"url(#{name}-{match[1]})")
    for element in root.iter():
        known = element.get("id")
        if known is not None:
            del element.attrib["id"]
        if known in referred:
            element.set("id", f"{name}-{known}")
        if (style := element.get("style")) is not None:
            element.set("style", _style(style))
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
        path = element.get("d")
        if path is not None:
            element.set("d", " ".join(path.split()))
    for group in root.iter(f"{_SVG}g"):
        _share_style(group)


def _style(style: str) -> str:
    for stand_in, variable in _VARIABLES.items():
        style = style.replace(stand_in, variable)
    return _SHORTHAND.sub(r"font-size: \1px", _FAMILY.sub("", style))  # the page's typeface, not matplotlib's


def _share_style(group: etree._Element) -> None:
    """One style for a group of equal dots instead of one for each."""
    children: Sequence[etree._Element] = list(group)
    styles = {child.get("style") for child in children}
    if len(children) > 1 and len(styles) == 1 and all(child.tag == f"{_SVG}use" for child in children):
        shared = styles.pop()
        if shared and group.get("style") is None:
            group.set("style", shared)
            for child in children:
                del child.attrib["style"]
