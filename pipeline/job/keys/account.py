"""What holds for all runs on one key: from the job file, and key by key from the environment.

Only the real environment counts, never a `.env`: a folder from elsewhere must not lift a limit.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pipeline.amounts import dollars
from pipeline.errors import UsageError
from pipeline.job.keys.document import MOST_IN_FLIGHT, AccountKeys, AccountOff
from pipeline.job.keys.fields import account_name
from pipeline.job.problems import InvalidError, shown
from pipeline.job.yaml import scalars
from pipeline.models import AccountPolicy

SWITCH = "PIPELINE_ACCOUNT"


def _concurrency(text: str) -> int:
    value = scalars.number(text)
    if value != int(value) or not 1 <= value <= MOST_IN_FLIGHT:
        raise InvalidError(
            f"a whole number from 1 to {MOST_IN_FLIGHT} is expected, not {shown(text)}"
        )
    return int(value)


def _money(text: str) -> Any:
    value = scalars.money(text)
    if value < 0:
        raise InvalidError("the amount must be at least 0", "0: nothing is sent")
    return value


class _Variable(NamedTuple):
    field: str
    read: Callable[[str], Any]


VARIABLES = {
    f"{SWITCH}_CONCURRENCY": _Variable("concurrency", _concurrency),
    f"{SWITCH}_RATE": _Variable("rate", scalars.rate),
    f"{SWITCH}_DAY": _Variable("day", _money),
    f"{SWITCH}_MONTH": _Variable("month", _money),
    f"{SWITCH}_NAME": _Variable("name", account_name),
}
"""The variables of the environment, each with the key of `account` that it is the default of."""

_LIMITS = ("concurrency", "rate", "day", "month")
_MONEY = ("day", "month")


def variable(key: str) -> str:
    """Name the variable that a field of an account's policy comes from."""
    return SWITCH if key == "shared" else f"{SWITCH}_{key.upper()}"


def policy(keys: AccountKeys, environ: Mapping[str, str]) -> AccountPolicy:
    """Return what applies: what the job file sets wins over the environment, key by key.

    A job file that sets a limit of the account takes part in it, also with PIPELINE_ACCOUNT=off.

    Raises:
        UsageError: a variable has a value that it cannot have.
    """
    written = _written(keys)
    usual, is_off = environment(environ), _is_off(environ)
    if isinstance(keys, AccountOff) or (is_off and not any(name in written for name in _LIMITS)):
        usual = {name: value for name, value in usual.items() if name not in _LIMITS}
        if isinstance(keys, AccountOff):
            written["shared"] = False
        else:
            usual["shared"] = False
    taken = frozenset(usual) - frozenset(written)
    return AccountPolicy(**{**usual, **written}, environment=taken)


def environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read the variables that are set; an empty value counts as not set.

    Raises:
        UsageError: one has a value that it cannot have.
    """
    found = dict[str, Any]()
    for name, (field, read) in VARIABLES.items():
        text = environ.get(name, "").strip()
        if text:
            try:
                found[field] = read(text)
            except InvalidError as error:
                raise UsageError(f"{name}: {error.message}", hint=error.hint) from error
    return found


def _is_off(environ: Mapping[str, str]) -> bool:
    text = environ.get(SWITCH, "").strip()
    if text and scalars.boolean(text) is None:
        raise UsageError(
            f"{SWITCH}: {shown(text)} is not a valid value",
            hint="off: runs do not share their account; limits are set with"
            f" {', '.join(VARIABLES)}",
        )
    return bool(text) and scalars.boolean(text) is False


def remarks(keys: AccountKeys, applies: AccountPolicy, environ: Mapping[str, str]) -> Iterator[str]:
    """Warn of limits that do not hold, and of a job file that lifts one of the environment."""
    usual = {name: value for name, value in environment(environ).items() if name in _MONEY}
    lifted = "the job file's applies"
    if not applies.shared:
        names = [variable(name) for name in usual]
        by = "account: off" if isinstance(keys, AccountOff) else f"{SWITCH}=off"
        if names:
            yield f"{by}: {' and '.join(names)} limits nothing here"
        return
    for name, most in usual.items():
        own = getattr(applies, name)
        if own > most:
            yield (
                f"account.{name}: {dollars(own)} is above {variable(name)}, {dollars(most)};"
                f" {lifted}"
            )
    day, month = applies.day, applies.month
    if day is not None and month is not None and day > month:
        yield (
            f"account.day: {dollars(day)} is above account.month, {dollars(month)}, so that the"
            " limit of a day never counts"
        )


def _written(keys: AccountKeys) -> dict[str, Any]:
    values = ((name, getattr(keys, name)) for name in AccountKeys.keys)
    return {name: value for name, value in values if value is not None}
