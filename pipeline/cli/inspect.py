"""`pipeline inspect`."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from pipeline.cli.flagged import not_as_expected
from pipeline.cli.options import job_argument, load_job, output_option
from pipeline.cli.output import as_json, message, show, write_json
from pipeline.common.files import refuse_linked_folders
from pipeline.errors import UsageError
from pipeline.facts.asking import INSTALL, can_look
from pipeline.facts.expected import Flag, flags
from pipeline.facts.looking import Looking
from pipeline.facts.reading import read_facts
from pipeline.facts.stretches import Look, twins
from pipeline.job.problems import did_you_mean
from pipeline.job.selecting import selected
from pipeline.ledger.manifest import last_records
from pipeline.models import Expect, Facts, Job, Record
from pipeline.printable import printable
from pipeline.state import read_files
from pipeline.store.layout import Layout
from pipeline.store.shelf import open_shelf

_TAKE = re.compile(r"#[0-9]+$")


@dataclass(frozen=True, slots=True)
class _Clip:
    """A finished clip: its facts, what is not as expected, and what was seen of its frames."""

    task: str
    file: str
    media: Facts
    flags: tuple[Flag, ...]
    there: bool
    look: Look | None = None
    twin: str | None = None

    @property
    def remarks(self) -> list[str]:
        """What there is to say of it."""
        said = [str(flag) for flag in self.flags]
        if not self.there:
            said.append("the file is not there")
        look = self.look or Look()
        said += [f"black from {_span(one)}" for one in look.black]
        said += [f"frozen from {_span(one)}" for one in look.frozen]
        said += [f"nearly the same as {self.twin}"] if self.twin else []
        return said + ([f"its frames cannot be read: {look.fault}"] if look.fault else [])

    def as_data(self) -> dict[str, Any]:
        """Write it as `--json` does; what was not looked at is null."""
        look = self.look
        return {
            "task": self.task,
            "file": self.file,
            "media": self.media,
            "flags": [flag._asdict() for flag in self.flags],
            "missing": not self.there,
            "black": look and look.black,
            "frozen": look and look.frozen,
            "twin_of": self.twin,
            "fault": look and look.fault,
        }


@click.command("inspect")
@job_argument
@click.argument("tasks", nargs=-1, metavar="[TASK…]")
@output_option
@click.option("--no-frames", is_flag=True, help="Read headers only; decode nothing.")
@click.option("--json", "as_data", is_flag=True, help="For scripts: every clip.")
def inspect(
    job: Path, tasks: tuple[str, ...], output: Path | None, *, no_frames: bool, as_data: bool
) -> None:
    """Show what the finished clips of JOB.yaml are like, and what is not as `expect` says.

    A TASK is a full name, an id, or a pattern; without one, all clips are shown. Size, duration,
    codec, sound and content credentials come from headers. With the extra `media`, clips are
    decoded as well, to find black and frozen stretches, and takes that look nearly the same. It
    sends nothing and changes nothing.
    """
    loaded = load_job(job, output, to_send=False)
    looks = not no_frames and can_look() and loaded.bucket is None
    with ExitStack() as resources:
        look = resources.enter_context(Looking()).look if looks else None
        clips = _clips(loaded, tasks, look)
        if as_data:
            write_json({"looked": looks}, more=("clips", (as_json(one.as_data()) for one in clips)))
        else:
            _print(clips, expects=loaded.expect is not None)
    if not looks and not no_frames:
        message(_not_looked(loaded))


def _not_looked(job: Job) -> str:
    what = "black and frozen stretches and near-twins were not looked for"
    if job.bucket is not None:
        return f"{what}: the clips are in {job.bucket}"
    return f"{what}, as the extra `media` is not installed. To install it: {INSTALL}"


def _print(clips: Iterator[_Clip], *, expects: bool) -> None:
    count = flagged = 0
    for clip in clips:
        count, flagged = count + 1, flagged + bool(clip.flags)
        show(printable(f"{clip.file}  {_facts(clip.media)}"))
        for remark in clip.remarks:
            show(printable(f"  ! {remark}"))
    judged = not_as_expected(flagged) if expects else "the job has no `expect`"
    show(f"{count:,} {'clip' if count == 1 else 'clips'}; {judged}")


def _facts(media: Facts) -> str:
    size = f"{media.width}×{media.height}" if media.width else None
    length = f"{media.duration_s:g} s" if media.duration_s is not None else None
    sound = _said(media.audio, "sound")
    found = (size, length, media.codec, sound, _said(media.content_credentials, "credentials"))
    return "  ".join(filter(None, found)) or "nothing is known of it"


def _said(there: bool | None, what: str) -> str | None:
    return None if there is None else what if there else f"no {what}"


def _span(stretch: tuple[float, float]) -> str:
    return f"{stretch[0]:.1f} s to {stretch[1]:.1f} s"


def _clips(
    job: Job, patterns: tuple[str, ...], look: Callable[[Path], Look] | None
) -> Iterator[_Clip]:
    """Yield the finished clips that the patterns mean, in the order of the job.

    Raises:
        UsageError: a pattern matches nothing.
    """
    layout, history = Layout(job.output_dir), read_files(job).history
    shelf = open_shelf(job, layout)
    known = [task.id for task in map(history.recognising(), job.tasks())]
    wanted = _chosen(patterns, known)
    done = {one.task: one for one in last_records(layout.manifest, history) if one.output}
    of_prompt: defaultdict[str, dict[str, Look]] = defaultdict(dict)
    for task in known:
        if task not in wanted or (record := done.get(task)) is None or record.output is None:
            continue
        there = not shelf.missing([record.output])
        if not shelf.far:  # a link could lead to files of others
            refuse_linked_folders(layout.root, record.output.rpartition("/")[0])
        clip = _clip(record, layout.root, job.expect or Expect(), there=there, far=shelf.far)
        if look is None or not there:
            yield clip
            continue
        seen = look(layout.root / record.output)
        takes = of_prompt[_TAKE.sub("", task)]
        takes[task] = seen
        yield replace(clip, look=seen, twin=twins(takes).get(task))


def _clip(record: Record, root: Path, expect: Expect, *, there: bool, far: bool) -> _Clip:
    assert record.output is not None
    media = record.media
    if media is None and there and not far:  # its record is of an earlier version
        media = read_facts(root / record.output)
    media = media or Facts()
    return _Clip(record.task, record.output, media, flags(media, expect, record.params), there)


def _chosen(patterns: tuple[str, ...], known: list[str]) -> set[str]:
    """Find the tasks that patterns mean; without any, all of them.

    Raises:
        UsageError: a pattern matches nothing.
    """
    found = set[str]()
    for pattern in patterns:
        if not (matching := selected(pattern, known)):
            raise UsageError(
                f"no task of the job matches {pattern!r}", hint=did_you_mean(pattern, known)
            )
        found.update(matching)
    return found if patterns else set(known)
