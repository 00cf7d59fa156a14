"""The key and the base URL: from a flag, the environment, or a `.env` file.

A key goes only to a URL of at least its own rank. A `.env` lies beside a job, and a job may come
from anybody: if a URL in it could be combined with a key from elsewhere, a folder could take the
key of whoever runs its job. So the URL of a `.env` is used only with the key of that same file.
"""

import io
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.api.provider import Provider
from pipeline.common.secret_names import OF_OTHERS
from pipeline.errors import UsageError
from pipeline.models import Job

# A file of settings has a few lines.
_LARGEST = 64 * 1024
# The parser's time grows with the square of such a run: no key and no URL has one.
_BLANKS = re.compile(r"[^\S\r\n]{100,}")

# What follows a provider's name in the variable of its key.
_KIND = re.compile(r"(_API)?_(KEY|TOKEN)$")


# Stands for the key of a provider that takes none: nothing sends it.
_NO_KEY = "no-key-is-needed"


class NoKeyError(UsageError):
    """There is no key."""


@dataclass(frozen=True, slots=True)
class Access:
    """The key, and the URL it goes to. `warnings` are for people."""

    key: str = field(repr=False)
    base_url: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Source:
    """Somewhere settings are written, and what a person should know of it."""

    place: str
    key: str = field(default="", repr=False)
    base_url: str = ""
    warnings: tuple[str, ...] = ()


def key_variable(job: Job, provider: Provider) -> str:
    """Name the variable with the key of a job: as `account.key` says, or the provider's own.

    A job may come from anybody, and what it names is sent to the provider. So it cannot name a
    variable that holds a secret of something else, as far as its name says so.

    Raises:
        UsageError: `account.key` names such a variable.
    """
    named, usual = job.account.key, provider.key_variable
    if named is None:
        return usual
    of_file, foreign = provider.traits.is_from_file, OF_OTHERS & set(named.split("_"))
    is_own = f"_{_KIND.sub('', usual)}_" in f"_{named}_"
    # A description may call itself anything: that gets it no key of a service that is known.
    if is_own and not (of_file and foreign - set(usual.split("_"))):
        return named
    if of_file:
        raise UsageError(
            f"{job.path.name}: account.key names {named}, which is not one of {provider.name}, so"
            " its value was not read: a description may come from anybody",
            hint=f"call the variable {usual}_ACME, or ACME_{usual}",
        )
    if not foreign:
        return named
    raise UsageError(
        f"{job.path.name}: account.key names a variable for something else than {provider.name}:"
        f" {min(foreign)} is a word of its name, so its value was not read",
        hint=f"call the variable {usual}_ACME, or ACME_{usual}",
    )


def find_access(
    job: Path, base_url: str | None = None, *, provider: Provider, variable: str | None = None
) -> Access:
    """Find the key and the URL for the job file `job`; `base_url` is the flag's.

    The environment wins over a `.env` beside the job, which wins over one in the working
    directory. Every key may go to the provider's usual URL, whoever names it. `variable` has the
    key, if that is not the provider's own.

    Raises:
        NoKeyError: there is no key.
        UsageError: its URL stands in a `.env` that does not hold it.
    """
    names = _names(provider, variable)
    environment = _source("the environment", os.environ, names)
    is_complete = environment.key and (base_url or environment.base_url)
    files = [] if is_complete else _dotenvs(job, names)
    sources = [environment, *files]
    warnings = tuple(w for file in files for w in file.warnings)
    holder = next((source for source in sources if source.key), None)
    if holder is None and not provider.traits.needs_key:
        holder = replace(environment, key=_NO_KEY)
    if holder is None:
        raise NoKeyError(
            f"no API key: {names[0]} is not set" + (", which account.key names" * bool(variable)),
            hint="; ".join(
                [f"export {names[0]}=…, or write it into a .env file beside {job.name}", *warnings]
            ),
        )
    if base_url is None:
        teller = next((source for source in sources if source.base_url), None)
        if teller is not None:
            base_url = teller.base_url
            trusted = teller is environment or base_url.rstrip("/") == provider.base_url
            if not trusted and teller.key != holder.key:
                raise _of_lower_rank(holder, teller, provider.url_variable)
    return Access(holder.key, base_url or provider.base_url, warnings)


def find_base_url(job: Path, base_url: str | None = None, *, provider: Provider) -> str:
    """Find where the API is, in the order of `find_access`, and without a key.

    Raises:
        UsageError: a `.env` cannot be read.
    """
    if base_url is None:
        names = _names(provider)
        environment = _source("the environment", os.environ, names)
        sources = [environment] if environment.base_url else _dotenvs(job, names)
        base_url = next((source.base_url for source in sources if source.base_url), None)
    return base_url or provider.base_url


def _of_lower_rank(holder: _Source, teller: _Source, variable: str) -> UsageError:
    return UsageError(
        f"{teller.place} says where the API is ({variable}), but the key comes from"
        f" {holder.place}: the URL of a .env file is used only with the key of the same file",
        hint=f"if you trust that address, set {variable} in the environment or with --base-url;"
        " otherwise remove it from the file",
    )


def _names(provider: Provider, variable: str | None = None) -> tuple[str, ...]:
    """Name the variables: of the key, of the URL, and another one of the key."""
    other = provider.traits.other_key_variable
    names = variable or provider.key_variable, provider.url_variable
    return names if variable or other is None else (*names, other)


def _source(place: str, values: Mapping[str, str | None], names: tuple[str, ...]) -> _Source:
    """Take what is set of the key and the URL; an empty value counts as not set."""
    key, base_url, *others = ((values.get(name) or "").strip() for name in names)
    return _Source(place, key or next(iter(others), ""), base_url)


def _dotenvs(job: Path, names: tuple[str, ...]) -> list[_Source]:
    paths = dict.fromkeys(folder.absolute() / ".env" for folder in (job.parent, Path()))
    return [source for path in paths if (source := _dotenv(path, names)) is not None]


def _dotenv(path: Path, names: tuple[str, ...]) -> _Source | None:
    """Read a `.env`; None where there is no regular file, or where one may not look."""
    if not os.path.isfile(path):  # noqa: PTH113 - never raises
        return None
    try:
        text, mode = _read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as UTF-8 text") from error
    from dotenv.parser import parse_stream  # noqa: PLC0415 - most jobs have no such file

    # No interpolation: a key may hold a dollar sign.
    bindings = list(parse_stream(io.StringIO(_BLANKS.sub(" ", text))))
    values = {one.key: one.value for one in bindings if one.key is not None}
    warnings = [
        f"{path}:{one.original.line} cannot be read as NAME=value and is ignored"
        for one in bindings
        if one.error
    ][:1]
    source = _source(str(path), values, names)
    if source.key and mode & stat.S_IROTH:
        warnings.append(f"every user of this machine can read the key in {path}: chmod 600 it")
    return replace(source, warnings=tuple(warnings))


def _read(path: Path) -> tuple[str, int]:
    """Read a small file, and its mode: of what is open, whatever the name leads to by now."""
    # Without waiting: a pipe under that name would never begin.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
        data = file.read(_LARGEST + 1) or b""
        mode = os.fstat(descriptor).st_mode
    if len(data) > _LARGEST:
        raise UsageError(
            f"{path} is larger than {_LARGEST // 1024} kB: no file of settings",
            hint="move it away, or name the key and the URL in the environment",
        )
    return data.decode("utf-8-sig"), mode
