"""Draws with matplotlib in the catalogue's style, and converts drawings to SVG inside HTML.

Drawings use substitute colours that become CSS variables, so that one drawing
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

from infrastructure.catalogue.typography import TextStyle, text_width

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
_LABEL_STYLE: Final = TextStyle(88, 400)
WIDE: Final = 1120
NARROW: Final = 360


@contextmanager
def plot_style() -> Iterator[None]:
    """Applies matplotlib's defaults and our changes, independent of the user's own settings."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams["svg.fonttype"] = "none"
        mpl.rcParams["svg.hashsalt"] = "filmledger"  # makes ids reproducible
        mpl.rcParams["text.parse_math"] = False  # titles may contain dollar signs
        # The browser draws the text, so glyphs that matplotlib's font lacks do not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def canvas(*, wide: bool, height: int, left: int, right: int = 24, bottom: int = 44) -> tuple[Drawing, Axes]:
    """Returns an empty drawing with one pair of axes; all lengths are CSS pixels at the drawing's own size."""
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
    """Draws hairlines at the ticks of the ``x`` or ``y`` axis."""
    axes.grid(visible=True, axis="x" if direction == "x" else "y", color=LINE, linewidth=1)


def dots(
    axes: Axes, points: Iterable[tuple[float, float]], *, color: str = INK, size: float = 26, opacity: float = 0.55
) -> None:
    """Draws a dot for each point; equal points become one larger dot, up to four times the area."""
    counted = Counter(points)
    levels: dict[int, list[tuple[float, float]]] = {}
    for point in sorted(counted):
        levels.setdefault(min(counted[point], 4), []).append(point)
    for level in sorted(levels):
        xs, ys = zip(*levels[level], strict=True)
        axes.scatter(xs, ys, s=size * level, color=color, alpha=opacity, linewidths=0, zorder=3, clip_on=False)


def label(axes: Axes, at: tuple[float, float], text: str, *, dx: float = 8, dy: float = 0, **style: Any) -> None:
    """Writes text beside a point, ``dx`` pixels to its right and ``dy`` pixels above it."""
    settings = {"fontsize": 13, "color": INK, "va": "center", "ha": "left", **style}
    axes.annotate(text, at, xytext=(dx, dy), textcoords="offset points", annotation_clip=False, **settings)


def labels(
    axes: Axes,
    names: Iterable[tuple[tuple[float, float], str]],
    *,
    fontsize: float,
    marks: Iterable[tuple[float, float]] = (),
) -> None:
    """Writes names beside points, the most important first.

    A name that would cover a mark, another name or the edge is left out. The axes
    must have their final limits.

    Args:
        axes: the axes.
        names: points and their names.
        fontsize: in pixels.
        marks: points that names must not cover.
    """
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in map(axes.transData.transform, set(marks))]
    edges = axes.bbox.x0, axes.bbox.y0, axes.bbox.x1, axes.bbox.y1
    for at, text in names:
        x, y = axes.transData.transform(at)
        width = text_width(text, _LABEL_STYLE) * fontsize
        for dx, dy, align in ((10, 0, "left"), (-10, 0, "right"), (0, 16, "center"), (0, -16, "center")):
            left = x + dx - {"left": 0.0, "right": width, "center": width / 2}[align]
            box = (left - 3, y + dy - fontsize * 0.6, left + width + 3, y + dy + fontsize * 0.6)
            inside = box[0] >= edges[0] and box[1] >= edges[1] and box[2] <= edges[2] + 20 and box[3] <= edges[3]
            if inside and not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
                taken.append(box)
                label(axes, at, text, dx=dx, dy=dy, ha=align, fontsize=fontsize)
                break


def fitted(text: str, fontsize: float, width: float) -> str:
    """Shortens a label until it is at most ``width`` pixels wide."""
    text = " ".join(text.split())
    if text_width(text, _LABEL_STYLE) * fontsize <= width:
        return text
    while len(text) > 1 and text_width(f"{text}…", _LABEL_STYLE) * fontsize > width:
        text = text[:-1].rstrip()
    return f"{text}…"


def fit(axes: Axes, xs: Sequence[float], ys: Sequence[float], *, margin: float = 0.04) -> None:
    """Sets the limits of both axes to the data with a margin, so that no mark is cut."""
    for values, set_limits in ((xs, axes.set_xlim), (ys, axes.set_ylim)):
        low, high = min(values), max(values)
        space = (high - low) * margin or max(abs(high) * margin, 0.5)
        set_limits(low - space, high + space)


def to_svg(drawing: Drawing, name: str, title: str) -> Markup:
    """Returns a drawing as an SVG element for HTML.

    Args:
        drawing: the drawing.
        name: unique on the page; prefix of the ids inside.
        title: alternative text.
    """
    out = io.BytesIO()
    # Neither date nor program version, so that the same films give the same bytes.
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
    # HTML needs no namespace declarations, and no prefix for href.
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
    for substitute, variable in _VARIABLES.items():
        style = style.replace(substitute, variable)
    return _SHORTHAND.sub(r"font-size: \1px", _FAMILY.sub("", style))  # the page's typeface, not matplotlib's


def _share_style(group: etree._Element) -> None:
    """Moves the style of equal dots to their group."""
    children: Sequence[etree._Element] = list(group)
    styles = {child.get("style") for child in children}
    if len(children) > 1 and len(styles) == 1 and all(child.tag == f"{_SVG}use" for child in children):
        shared = styles.pop()
        if shared and group.get("style") is None:
            group.set("style", shared)
            for child in children:
                del child.attrib["style"]
