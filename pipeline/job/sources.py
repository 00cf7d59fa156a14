"""`prompts_from` as it is written → sources of rows: files, and other jobs, which are read too."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pipeline.common import bucket_address
from pipeline.errors import DirectoryError, JobFileError, Problem
from pipeline.job.expand.expansion import Expansion
from pipeline.job.expand.inputs import InputMaker
from pipeline.job.files import beside, nearest_file
from pipeline.job.items import Duplicates
from pipeline.job.keys.document import Head
from pipeline.job.keys.sources import ClipsKeys, Keys, SourceKeys
from pipeline.job.nodes import Mapping, Way, dotted, line_of
from pipeline.job.problems import InvalidError, Report, shown
from pipeline.job.prompts.clips import Clips, Read, Rendered
from pipeline.job.prompts.dates import checked_order
from pipeline.job.prompts.rows import check_file, check_keys
from pipeline.job.prompts.source import Source
from pipeline.job.template.templates import Render, expression, is_template, text_template
from pipeline.models import Job

T = TypeVar("T")

MOST_DEEP = 8
"""Jobs of which each has the clips of the next as rows: stills, films, larger films, sound."""

MOST_JOBS = 100
"""Job files that are read for one, each as often as it is named."""

_SUFFIXES = (".yaml", ".yml")

Load = Callable[[Path, "Around"], tuple[Job, Expansion]]


@dataclass(frozen=True, slots=True)
class Around:
    """The jobs for which a job is read, the outermost first, and what reads others.

    `chain` has their files without links, `counted` one item for each file that was read.
    """

    read: Read
    load: Load
    chain: tuple[Path, ...]
    counted: list[Path] = field(default_factory=list)

    @classmethod
    def of(cls, file: Path, read: Read | None, load: Load) -> "Around":
        """Begin with a job that is read for itself."""
        return cls(read or _unknown, load, (_real(file),))

    def inside(self, file: Path) -> "Around":
        """Return it as it is for a job that the innermost one names.

        Raises:
            InvalidError: the job is one of these, or there are too many.
        """
        real = _real(file)
        if real in self.chain:
            if real == self.chain[-1]:
                raise InvalidError(f"{file.name} has its own clips as rows", _ANOTHER)
            circle = (*self.chain[self.chain.index(real) :], real)
            names = " → ".join(one.name for one in circle)
            raise InvalidError(f"these jobs have each other's clips as rows: {names}", _ANOTHER)
        if len(self.chain) >= MOST_DEEP:
            raise InvalidError(f"more than {MOST_DEEP} jobs, each with the clips of the next")
        self.counted.append(real)
        if len(self.counted) > MOST_JOBS:
            raise InvalidError(f"more than {MOST_JOBS} other jobs would have to be read")
        return replace(self, chain=(*self.chain, real))


_ANOTHER = "name a job that comes before this one"


def _real(file: Path) -> Path:
    try:
        return Path(os.path.realpath(file))
    except (OSError, ValueError):  # a strange path: who opens it will say so
        return file


def _unknown(job: Job) -> Rendered:
    raise DirectoryError(f"what {job.path.name} has rendered cannot be read here")


class Sources:
    """Makes the sources of a job; what is wrong with one is reported, and it is left out."""

    def __init__(  # noqa: PLR0913 - what was read, each once
        self,
        tree: Mapping,
        head: Head,
        report: Report,
        around: Around,
        inputs: InputMaker,
        *,
        to_send: bool,
    ) -> None:
        self._tree, self._head, self._report = tree, head, report
        self._around, self._inputs, self._to_send = around, inputs, to_send

    def __iter__(self) -> Iterator[Source]:
        several = isinstance(self._tree.get("prompts_from"), list)
        seen: set[tuple[Path, str | None]] = set()
        for index, keys in enumerate(self._head.prompts_from):
            way: Way = ("prompts_from", index) if several else ("prompts_from",)
            if isinstance(keys, SourceKeys):
                written, part, make = keys.file, keys.sheet, partial(self._file, keys)
                there = way if keys.plain else (*way, "file")
            else:
                written, part, make = keys.job, keys.output, partial(self._job, keys)
                there = (*way, "job")
                if (wrong := self._wrong_place(keys.output)) is not None:
                    self._report.add((*way, "output"), *wrong)
                    continue
            path = beside(self._report.file, written)
            if (path, part) in seen:
                self._report.add(there, f"{path.name} is listed twice")
                continue
            try:
                source = make(path, way)
            except InvalidError as error:
                self._report.add(there, error.message, error.hint)
                continue
            except JobFileError as error:
                self._report.add(there, f"{path.name} is not a valid job")
                for problem in error.problems:
                    self._report.note(problem)
                continue
            seen.add((path, part))
            yield source
        if not self._tree.get("prompts_from") and not self._tree.get("prompts"):
            self._report.at(
                1, "there is nothing to render", "list prompts, or name a file: prompts_from"
            )

    def _file(self, keys: SourceKeys, path: Path, way: Way) -> Source:
        check_file(path)
        source = self._common(path, keys, way, keys.file)
        source = replace(
            source,
            plain=keys.plain,
            sheet=keys.sheet,
            header=keys.header,
            dates=self._checked(keys, "dates", checked_order, way),
        )
        for problem in check_keys(source):
            self._report.note(problem)
        # 0.1 took a row of a file that is named alone for its prompt: such a task stays itself.
        is_own = not (keys.plain and source.keeps_0_1)
        return replace(source, own_ids=is_own and self._head.duplicates is not Duplicates.ONCE)

    def _job(self, keys: ClipsKeys, path: Path, way: Way) -> Source:
        """Read another job, and make its clips a source.

        Raises:
            InvalidError: it cannot be one.
            JobFileError: it is not valid.
        """
        _check_job(path)
        job, expansion = self._around.load(path, self._around.inside(path))
        if keys.output is not None:
            place = beside(self._report.file, keys.output)
            job = replace(job, output_dir=place, bucket=None, public=None)
        if job.bucket is not None:
            raise InvalidError(
                f"the clips of {path.name} are in {job.bucket}, and rows are files of this machine",
                "copy them from there with manifest.jsonl, and name the folder here: output: …",
            )
        clips = Clips(
            job=job,
            scenes=expansion.scenes,
            read=self._around.read,
            which=keys.which,
            folder=self._report.file.parent,
            recorded=self._inputs.recorded,
            prompted=self._head.prompt is not None,
            to_send=self._to_send,
            said=keys.output,
        )
        return replace(self._common(path, keys, way, keys.job), clips=clips, own_ids=False)

    def _wrong_place(self, output: str | None) -> tuple[str, str] | None:
        """Say why no clips can be in a place; one that is not there yet will be."""
        if output is None:
            return None
        hint = "the folder that its runs name with --output"
        if bucket_address.is_url(output):
            return f"{shown(output)} is a bucket, and rows are files of this machine", hint
        place = beside(self._report.file, output)
        is_other = place.exists() and not place.is_dir()
        return (f"{place} is not a folder", hint) if is_other else None

    def _common(self, path: Path, keys: Keys, way: Way, written: str) -> Source:
        """Make what files and jobs have alike; templates that are wrong are reported."""
        columns = {name: said for name, said in vars(keys.columns).items() if said is not None}
        return Source(
            path=path,
            written=written,
            plain=False,
            columns=columns,
            id=self._checked(keys, "id", _id_template, way),
            where=self._checked(keys, "where", expression, way),
            where_text=keys.where,
            problem=lambda message, hint, *steps: self._problem((*way, *steps), message, hint),
        )

    def _checked(self, keys: Keys, key: str, make: Callable[[str], T], way: Way) -> T | None:
        written = getattr(keys, key)
        try:
            return None if written is None else make(written)
        except InvalidError as error:
            self._report.note(self._problem((*way, key), error.message, error.hint))
            return None

    def _problem(self, way: Way, message: str, hint: str | None) -> Problem:
        line = line_of(self._report.tree, way)
        return Problem(self._report.file, line, dotted(way), message, hint)


def _check_job(path: Path) -> None:
    try:
        there, regular = path.exists(), path.is_file()
    except (OSError, ValueError) as error:
        raise InvalidError(f"{path} cannot be read: {error}") from None
    if not there:
        near = nearest_file(path, _SUFFIXES)
        is_other = near is not None and near != path.name  # not a link that leads nowhere
        hint = f"did you mean {near}?" if is_other else "paths are relative to the job file"
        raise InvalidError(f"there is no file {path}", hint)
    if not regular:
        raise InvalidError(f"{path} is not a regular file")


def _id_template(source: str) -> Render:
    if not is_template(source):
        raise InvalidError(
            f"{shown(source)} would be the id of every row", "such as {{ publish }}-{{ channel }}"
        )
    return text_template(source)


def far(sources: Iterable[Source], folder: Path) -> Iterator[str]:
    """Warn of sources that are not the job's: a job from elsewhere may name any."""
    root = os.path.realpath(folder)
    for source in sources:
        real = _real(source.path)
        if not real.is_relative_to(root):
            yield f"prompts_from: {source.path.name} is outside the job's folder: {real}"


def unsent(sources: Iterable[Source], uses: Iterable[Any]) -> Iterator[str]:
    """Warn where the clips of another job are not sent: a new one would change nothing."""
    named = set(uses)
    for source in sources:
        if source.clips is not None and "output" not in named:
            yield (
                f"prompts_from: nothing is sent of the clips of {source.path.name}, and one that is"
                ' rendered again changes nothing; write inputs: {…: "{{ output }}"}'
            )
