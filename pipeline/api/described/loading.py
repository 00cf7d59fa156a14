"""A description from its file: read as a job file is, and with every problem at once."""

import os
from functools import lru_cache
from pathlib import Path

from pipeline.api.described.compiling import Compiler, variable_of
from pipeline.api.described.description import Description
from pipeline.api.described.document import DescriptionKeys
from pipeline.api.described.finding import Problems
from pipeline.common.secret_names import ANYBODYS, OF_OTHERS
from pipeline.job.keys.mappings import FaultsError
from pipeline.job.nodes import Mapping
from pipeline.job.problems import InvalidError as Invalid
from pipeline.job.problems import Report, StoppedError, TooManyProblemsError
from pipeline.job.yaml.reader import check_name, check_text, parse, read_bytes

_LARGEST = 256 * 1024
_SHIPPED = Path(__file__).parents[2] / "data" / "providers"


def shipped(name: str) -> Description:
    """Load a description that comes with the program."""
    return _load(_SHIPPED / f"{name}.yaml", 0)


def load(path: Path) -> Description:
    """Load a description of one's own.

    Raises:
        JobFileError: with every problem at once, each with its line and column.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - keeps symlinks as they are
    try:
        changed = absolute.stat().st_mtime_ns
    except OSError:
        changed = -1
    return _load(absolute, changed)


@lru_cache(maxsize=64)
def _load(path: Path, changed: int) -> Description:  # noqa: ARG001 - a file that changed is read
    report = Report(path)
    made = None
    try:
        made = _read(report)
    except TooManyProblemsError:
        pass
    except StoppedError as error:
        report.at(error.line, error.message, error.hint)
    except Invalid as error:
        report.at(1, error.message, error.hint)
    if made is None or report.problems:
        raise report.error()
    return made


def _read(report: Report) -> Description | None:
    check_name(report.file)
    data = read_bytes(report.file)
    if len(data) > _LARGEST:
        raise Invalid("this is larger than 256 kB: no description of a provider")
    check_text(data)
    tree = report.tree = parse(data, report)
    if not isinstance(tree, Mapping):
        raise Invalid(
            "a description is a mapping of keys to values", "start with: provider: my-api"
        )
    problems = Problems(report, data.decode("utf-8-sig").splitlines())
    try:
        keys = DescriptionKeys.read(tree)
    except FaultsError as error:
        for fault in error.faults:
            problems.fault(fault)
        return None
    if report.file.parent != _SHIPPED:
        _refuse_names_of_others(keys, problems)
    return Compiler(keys, problems).compile()


def _refuse_names_of_others(keys: DescriptionKeys, problems: Problems) -> None:
    """Refuse a name by which a description would get a key that is not meant for it.

    A description may come from anybody, and says where a key goes. So the key's variable bears the
    name of the provider, and no file has the name of a service that is known.
    """
    name = keys.provider
    first = name.partition("-")[0].upper()
    if first in OF_OTHERS:
        message = f"{name} is the name of a service whose key is its own"
        problems.add(("provider",), message, f"call it my-{name}", at=name)
    elif first in ANYBODYS:
        message = f"{name} begins with a word that the secrets of any service begin with"
        problems.add(("provider",), message, "name it after the service", at=name)
    own = variable_of(name)
    env = None if keys.auth is None else keys.auth.env
    if env is not None and not env.startswith(f"{own}_"):
        message = f"the variable of the key must begin with {own}_: a file could name any secret"
        problems.add(("auth", "env"), message, f"{own}_API_KEY", at=env)
