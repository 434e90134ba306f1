"""``datasets``: loads IMDb's official data files into every store."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.options import CommandContext, command_context


@click.command("datasets", short_help="Load IMDb's official data files.")
@click.option("--from", "source", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Read the files in this folder; without it they are downloaded.")  # fmt: skip
@click.option("--kinds", help="Kinds of titles, comma-separated [default: movie,tvMovie,tvSeries,tvMiniSeries].")
@click.option("--min-votes", type=click.IntRange(min=0), help="Leave out titles with fewer votes [default: 1000].")
@click.option("--since", type=click.IntRange(1870, 9999), help="Leave out titles of earlier years.")
@click.option("--ids", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Load only the titles of this file: ids, addresses, or a list that IMDb exported.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Load every title, whatever its kind and votes.")
@click.option("--no-credits", is_flag=True, help="Leave out people and credits.")
@click.option("--no-akas", is_flag=True, help="Leave out other titles.")
@click.option("--episodes", is_flag=True, help="Load the episodes of the selected series, too.")
@click.option("--strict", is_flag=True, help="Refuse the load if a row of a data file cannot be loaded.")
@click.option("--prune", is_flag=True,
              help="Delete titles that are known only from data files and are absent from these.")  # fmt: skip
@click.option("--demo", is_flag=True, help="Use the data files of the built-in demo site.")
@command_context
def datasets(
    context: CommandContext,
    kinds: str | None,
    min_votes: int | None,
    ids: Path | None,
    everything: bool,
    no_credits: bool,
    no_akas: bool,
    demo: bool,
    **selected: Any,
) -> None:
    """Load IMDb's data files, for personal and non-commercial use, into every store.

    Run it again tomorrow: only files that changed are downloaded, and only
    titles that differ are written. Ctrl-C stops; the same command continues.
    """
    context.startup.begin("loading data files")
    from infrastructure.bootstrap.datasets import DatasetOptions, run_datasets
    from infrastructure.bootstrap.demo import demo_settings
    from infrastructure.cli.summary import run_session

    options = DatasetOptions(
        kinds=() if everything else _kinds(kinds) if kinds else None,
        min_votes=0 if everything or ids else min_votes,
        ids=ids,
        credits=not no_credits,
        akas=not no_akas,
        **selected,
    )
    chosen = demo_settings(context.settings) if demo else nullcontext(context.settings)
    with run_session(context, chosen) as (session, interrupted):
        output = session.output
        summary = run_datasets(session, options)
        if summary.refusal:
            output.warn(f"a store refuses the load, and no store was changed: {summary.refusal}")
        elif summary.counts is None:
            output.say(f"the data files of {summary.day} are loaded already; nothing to do")
        else:
            counts = summary.counts
            fate = "deleted" if counts.pruned else "kept"
            output.say(
                f"data files of {summary.day}: {counts.titles} titles selected, {counts.new} new, "
                f"{counts.changed} changed, {counts.gone} gone from the files ({fate})"
            )
            if counts.unknown_people:
                output.say(f"{counts.unknown_people} credits left out: name.basics does not have the person")
            for file, count in sorted(counts.rejected.items()):
                output.say(f"{count} rows of {file} left out: see {session.settings.data_dir}/rejected-{file}.tsv")
    sys.exit(Exit.INTERRUPTED if interrupted.is_set() else Exit.FAILED if summary.refusal else Exit.DONE)


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(kind for part in text.split(",") if (kind := part.strip()))
    if not kinds:
        raise click.BadParameter(f"{text!r} names no kind", param_hint="--kinds")
    return kinds


COMMANDS = (datasets,)
