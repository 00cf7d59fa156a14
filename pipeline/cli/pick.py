"""`pipeline pick`."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from pipeline.cli.options import NamedPath, debug_option, job_argument, load_job, output_option
from pipeline.cli.output import message, show, write_json
from pipeline.cli.patterns import in_words
from pipeline.cli.verdicts import as_json, listed, present_word, table
from pipeline.errors import DirectoryError, UsageError
from pipeline.job.selecting import meant
from pipeline.ledger.manifest import clips
from pipeline.ledger.picking import Saying, say, take_in, user
from pipeline.ledger.picks import of_rows
from pipeline.ledger.selection import WORDS, refuse_nothing
from pipeline.ledger.verdicts import Verdict, Verdicts, Word, read, whole
from pipeline.models import Job
from pipeline.printable import printable
from pipeline.store.layout import Layout, refuse_another_job, refuse_newer_files


@click.command()
@job_argument
@click.argument("tasks", nargs=-1, metavar="[TASK…]")
@output_option
@click.option("--keep", "word", flag_value="kept", help="Keep these clips: they stay as they are.")
@click.option("--reject", "word", flag_value="rejected", help="Reject them: see --again rejected.")
@click.option("--clear", "word", flag_value="cleared", help="Take the verdict on them back.")
@click.option("--note", metavar="TEXT", help="Say why. Without a verdict, the last one stays.")
@click.option("--by", metavar="NAME", help="Who says it; without it, the user of this machine.")
@click.option(
    "--import",
    "imported",
    type=NamedPath(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Take in the verdicts of a file, such as one that a page has saved.",
)
@click.option("--json", "as_data", is_flag=True, help="For scripts: the verdicts.")
@debug_option
def pick(  # noqa: PLR0913, PLR0917 - the flags of the command
    job: Path,
    tasks: tuple[str, ...],
    output: Path | None,
    word: str | None,
    note: str | None,
    by: str | None,
    imported: Path | None,
    *,
    as_data: bool,
    debug: bool,  # noqa: ARG001 - the edge reads it
) -> None:
    """Say which clips of JOB.yaml are kept and which are rejected; also while it runs.

    A TASK is a full name, an id (all its matrix values and takes), a pattern, @file, kept or
    rejected. A verdict is for the clip that is there now: a newer one has none yet. What is kept is
    locked: a run leaves it, also where the job has changed. What is rejected stays too, until `run
    --again rejected` renders it again. Without a verdict and a note, the verdicts are listed.
    """
    loaded = load_job(job, output, to_send=False)
    layout = _layout(loaded)
    says = word is not None or note is not None
    if imported is not None:
        if says or tasks or by is not None:
            raise UsageError("--import goes alone: the file says tasks, verdicts and names")
        _import(layout, imported)
        return
    if says and not tasks:
        raise UsageError("no task is named", hint="name one, or '*' for every clip")
    present = dict(clips(layout.manifest))
    # To keep a clip by its name, no sheet is read: it may be open, or wrong, just now.
    rows = (
        {}
        if word and not as_data and WORDS.isdisjoint(in_words(tasks))
        else of_rows(loaded, layout.manifest)
    )
    if says:
        saying = Saying(word, _text(note), _text(by) or user())
        _named(tasks, present, read(layout.verdicts), rows)  # before the file is made
        choose = partial(_named, tasks, present, rows=rows)
        message(_said(say(layout.verdicts, saying, choose, present, rows)))
    elif by is not None:
        raise UsageError("--by says whose a verdict is: add --keep, --reject, --clear or --note")
    there = read(layout.verdicts)
    named = _named(tasks, present, there, rows) if tasks else None
    verdicts = listed(there, present, rows, named)
    if as_data:
        write_json([as_json(one, present) for one in verdicts])
    elif not says:
        for line in table(verdicts, present):
            show(line)


def _layout(job: Job) -> Layout:
    """Return where a job's files are.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    layout = Layout(job.output_dir)
    refuse_newer_files(layout)
    try:
        refuse_another_job(layout, job)
    except OSError as error:
        raise DirectoryError(f"{layout.root} cannot be read: {error.strerror}") from error
    return layout


def _text(text: str | None) -> str | None:
    return (text.strip() or None) if text is not None else None


def _named(
    tasks: Iterable[str], present: dict[str, str], there: Verdicts, rows: Mapping[str, Word]
) -> list[str]:
    """Return the tasks that have a clip and are named, in the order of the manifest.

    Raises:
        UsageError: a pattern means none.
    """
    patterns = in_words(tasks)
    found = meant([one for one in patterns if one not in WORDS], present)
    refuse_nothing(
        [one for one in found if not found[one]],
        lambda: present,
        "no clip of this job is called",
    )
    names = set().union(*found.values())
    words = WORDS.intersection(patterns)
    by_word = (task for task in present if present_word(there, present, rows, task) in words)
    names.update(by_word)
    return [task for task in present if task in names]


def _said(words: Sequence[Verdict]) -> str:
    if not words:
        return "nothing was written: this was said before"
    what: str = words[0].verdict or "without a verdict"
    named = ", ".join(printable(one.task) for one in words[:3])
    more = f" and {len(words) - 3:,} more" if len(words) > 3 else ""  # noqa: PLR2004 - as above
    if len({one.verdict for one in words}) > 1:
        what = "noted"
    return f"{what}: {named}{more}"


def _import(layout: Layout, file: Path) -> None:
    """Take in the verdicts of a file: all of them, or none."""
    try:
        words = whole(file.resolve())
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    taken = take_in(layout.verdicts, words, file)
    present = dict(clips(layout.manifest))
    stray = sum(present.get(one.task) != one.sha256 for one in words)
    about = f"; {stray:,} on clips that are not there any more: kept, without effect"
    message(
        f"{len(taken):,} taken in, {len(words) - len(taken):,} known before{about if stray else ''}"
    )
    if not any(one.task in present for one in words):
        message(f"warning: {file} names no clip of this job: has another job's page saved it?")
