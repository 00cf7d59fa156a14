"""Profiles: the columns that a scheduling tool reads, as YAML files."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.job.nodes import Mapping
from pipeline.job.problems import InvalidError, Report, StoppedError, did_you_mean, nearest, shown
from pipeline.job.yaml.reader import check_text, parse, read_bytes

_KEYS = ("about", "documentation", "checked", "note", "columns")


@dataclass(frozen=True, slots=True)
class Profile:
    """Templates by the names of columns, and a `note` that is shown at each export."""

    columns: dict[str, str]
    note: str = ""


def names() -> list[str]:
    """Name the profiles that come with the program."""
    folder = resources.files("pipeline") / "data" / "profiles"
    return sorted(path.name.removesuffix(".yaml") for path in folder.iterdir())


def load(named: str) -> Profile:
    """Read a profile: one of `names()`, or a file.

    Raises:
        UsageError: there is no such profile.
        JobFileError: with each problem of the file and its line.
    """
    if named in names():
        with resources.as_file(
            resources.files("pipeline") / "data/profiles" / f"{named}.yaml"
        ) as f:
            return _read(f)
    path = Path(named)
    if not path.is_file():
        near = nearest(named, names())
        raise UsageError(
            f"--profile: there is no file {shown(named)}",
            hint=f"did you mean {near}?" if near else f"a file, or one of {', '.join(names())}",
        )
    return _read(path)


def _read(path: Path) -> Profile:
    report = Report(path.absolute())
    report.tree = tree = _document(report)
    for key in tree:
        if key not in _KEYS:
            report.add((key,), "is not a key of a profile", did_you_mean(key, _KEYS))
    for key in _KEYS[:-1]:
        if key in tree and not isinstance(tree[key], str):
            report.add((key,), "is not a text")
    columns = tree.get("columns")
    if not isinstance(columns, Mapping) or not columns:
        report.add(
            ("columns",), "must be a mapping of names to templates", 'such as Text: "{{ caption }}"'
        )
    else:
        for name, template in columns.items():
            if not isinstance(template, str):
                report.add(("columns", name), "is not a text", "leave a column empty with ''")
    report.raise_if_any()
    assert isinstance(columns, Mapping)
    texts = {str(name): str(template) for name, template in columns.items()}
    return Profile(texts, str(tree.get("note", "")))


def _document(report: Report) -> Mapping:
    try:
        data = read_bytes(report.file)
        check_text(data)
        document = parse(data, report)
    except InvalidError as error:
        report.at(error.line if isinstance(error, StoppedError) else 1, error.message, error.hint)
        raise report.error() from None
    if not isinstance(document, Mapping):
        report.at(1, "the profile is not a mapping of keys to values", "start with: columns:")
        raise report.error()
    return document
