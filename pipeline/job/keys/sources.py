"""The keys of `prompts_from`: files of prompts and other jobs, and how they are read."""

from collections.abc import Callable
from typing import Any

from pipeline.job.items import Which
from pipeline.job.keys.fields import NAME, PROSE, WHOLE, word
from pipeline.job.keys.mappings import (
    Fault,
    FaultsError,
    Kind,
    Strict,
    declare,
    faults_at,
    mapping,
)
from pipeline.job.nodes import Sequence
from pipeline.job.problems import InvalidError

_MOST_ROWS = 1_048_576


def _heading(about: str, example: str) -> Any:
    return declare(NAME, about, default=None, examples=[example])


class ColumnsKeys(Strict):
    """Headings of the columns that mean something, where they are not recognised. off: none is."""

    publish: str | None = _heading("The day, or day and time, of a post.", "Go live")
    time: str | None = _heading("Its time of the day; it joins the date.", "Hour")
    channel: str | None = _heading("Where it is posted.", "Where")
    caption: str | None = _heading("Its text.", "Words")
    id: str | None = _heading("The row's id.", "Ref")
    prompt: str | None = _heading("The row's prompt.", "Brief")
    verdict: str | None = _heading("Whether its clip is kept: yes or no.", "Approved")


class SourceKeys(Strict):
    """A file of prompts, and how it is read."""

    file: str = declare(
        NAME,
        "The file, relative to the job file: .xlsx, .ods, .csv, .tsv, .jsonl, .json or .txt.",
        examples=["plan.xlsx"],
    )
    sheet: str | None = declare(
        NAME,
        "Name of a workbook's sheet. Default: the first one that is not hidden.",
        default=None,
        examples=["December"],
    )
    header: int | None = declare(
        WHOLE,
        "The row of the headings, blank rows counted. Default: found below a title.",
        default=None,
        least=1,
        most=_MOST_ROWS,
        examples=[3],
    )
    id: str | None = declare(
        PROSE,
        "Template of a row's id. Default: its id column, otherwise its day and channel.",
        default=None,
        examples=["{{ publish }}-{{ channel | slug }}"],
    )
    columns: ColumnsKeys = declare(
        mapping(ColumnsKeys),
        "Headings of the columns that mean something, where they are not recognised. off: none is.",
        default=ColumnsKeys(),
    )
    dates: str | None = declare(
        NAME,
        "How dates are written: %d, %m and %Y in their order. Needed where day and month could be "
        "swapped.",
        default=None,
        examples=["%m/%d/%Y", "%d.%m.%Y"],
    )
    where: str | None = declare(
        PROSE,
        "A Jinja expression of a row's columns: only rows for which it is true are prompts.",
        default=None,
        examples=["status == 'For Production'"],
    )
    plain = False
    """Whether it was named by its path alone."""


class PlainSource(SourceKeys):
    """A file of prompts that is named by its path alone."""

    plain = True


class ClipsKeys(Strict):
    """Another job: each of its clips is a row."""

    job: str = declare(
        NAME,
        "The job file whose clips are rows, relative to this one. It is only read.",
        examples=["stills.yaml"],
    )
    which: Which = declare(
        word(Which),
        "Which of its clips: those that were kept, or all that succeeded.",
        default=Which.KEPT,
        examples=["all"],
    )
    output: str | None = declare(
        NAME,
        "Its output directory, relative to the job file, where it is run with --output. "
        "Default: as it says.",
        default=None,
        examples=["../renders/stills"],
    )
    id: str | None = declare(
        PROSE,
        "Template of a row's id. Default: the full name of the clip's task.",
        default=None,
        examples=["{{ id }}-film"],
    )
    columns: ColumnsKeys = declare(
        mapping(ColumnsKeys),
        "Variables of a row that mean something. Nothing is recognised by its name.",
        default=ColumnsKeys(),
    )
    where: str | None = declare(
        PROSE,
        "A Jinja expression of a row's variables: only rows for which it is true are prompts.",
        default=None,
        examples=["channel == 'instagram'"],
    )


Keys = SourceKeys | ClipsKeys


def keys_of(value: object) -> type[SourceKeys | ClipsKeys]:
    """Say which keys a mapping below `prompts_from` may have."""
    is_job = isinstance(value, dict) and "job" in value and "file" not in value
    return ClipsKeys if is_job else SourceKeys


def _read(value: object) -> Keys:
    if not isinstance(value, dict):
        return PlainSource(file=NAME.read(value))
    if "job" in value and "file" in value:
        message = "rows come from a file or from a job, and this names both"
        raise FaultsError([Fault(("job",), message, "make it two items of a list")])
    return keys_of(value).read(value)


def _read_all(value: object) -> tuple[Keys, ...]:
    """Read one, or a list of them."""
    if not isinstance(value, Sequence):
        return (_read(value),)
    if not value:
        raise InvalidError("the list is empty", "write at least one")
    faults, found = [], []
    for index, item in enumerate(value):
        try:
            found.append(_read(item))
        except (InvalidError, FaultsError) as error:
            faults += faults_at(index, error)
    if faults:
        raise FaultsError(faults)
    return tuple(found)


_READ: Callable[[Any], Any] = _read_all
SOURCES = Kind(_READ, items=mapping(SourceKeys))
