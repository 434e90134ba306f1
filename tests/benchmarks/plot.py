"""The suite's figures as one SVG picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

_COLOURS = {"filmledger": "#b8860b", "Scrapy": "#3b6ea5", "BeautifulSoup": "#8a8a8a", "floor": "#222222"}
Rows = list[dict[str, Any]]


def draw(report: dict[str, Any], target: Path) -> None:
    """Wall time by threads, the duel's time and memory, growth: what of it was measured."""
    sections: dict[str, Rows] = report["sections"]
    panels: list[Callable[[Axes], None]] = []
    if threads := [row for row in sections.get("grid", []) if row["page_kb"] == 1600 and row["latency"] == 0.3]:
        panels.append(lambda axes: _threads(axes, threads))
    if duel := [row for row in sections.get("duel", []) if row["page_kb"] == 1600 and row["threads"] == 50]:
        panels.append(lambda axes: _bars(axes, duel, "wall_seconds", "seconds"))
        panels.append(lambda axes: _bars(axes, duel, "peak_mb", "MB of memory"))
    if growth := sections.get("growth", []):
        panels.append(lambda axes: _growth(axes, growth))
    with mpl.rc_context({"svg.hashsalt": "filmledger", "font.size": 9, "svg.fonttype": "none"}):
        figure, all_axes = plt.subplots(1, max(1, len(panels)), figsize=(3.4 * max(1, len(panels)), 3.2), squeeze=False)
        for panel, axes in zip(panels, all_axes[0], strict=True):
            panel(axes)
            axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        figure.savefig(target, metadata={"Date": None, "Creator": None})
        plt.close(figure)


def _threads(axes: Axes, rows: Rows) -> None:
    threads = [row["threads"] for row in rows]
    axes.loglog(threads, [row["floor_seconds"] for row in rows], "--", color=_COLOURS["floor"], label="floor")
    axes.loglog(threads, [row["wall_seconds"] for row in rows], "o-", color=_COLOURS["filmledger"], label="filmledger")
    axes.set_xticks(threads, [str(each) for each in threads])
    axes.minorticks_off()
    axes.set_yticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    axes.set_xlabel("threads")
    axes.set_title("250 real-size pages at 0.3 s, seconds")
    axes.legend(frameon=False)


def _bars(axes: Axes, rows: Rows, key: str, unit: str) -> None:
    names = [row["contestant"] for row in rows]
    bars = axes.barh(names, [row[key] for row in rows], color=[_COLOURS.get(name, "#555555") for name in names])
    axes.bar_label(bars, fmt=lambda value: f"{value:.1f}" if value < 100 else f"{value:.0f}", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.set_title(f"50 threads, {unit}")


def _growth(axes: Axes, rows: Rows) -> None:
    titles = [row["titles"] for row in rows]
    per_title = [1000 * row["wall_seconds"] / row["titles"] for row in rows]
    axes.semilogx(titles, [row["peak_mb"] for row in rows], "s-", color=_COLOURS["Scrapy"], label="MB of memory")
    axes.semilogx(titles, per_title, "o-", color=_COLOURS["filmledger"], label="ms a title, start-up and all")
    axes.set_xticks(titles, [f"{each:,}" for each in titles])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("titles")
    axes.set_title("30 kB pages at no latency")
    axes.legend(frameon=False, loc="center left")
