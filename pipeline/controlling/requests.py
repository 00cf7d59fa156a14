"""What a run can be asked, and the one line of JSON that asks it or answers."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import msgspec

from pipeline.errors import PipelineError, UsageError
from pipeline.events import Standing
from pipeline.job.problems import InvalidError
from pipeline.job.yaml import scalars
from pipeline.models import Rate

# Bytes of a line that asks; what answers may hold all problems of a job file.
LONGEST_REQUEST = 64 * 1024
LONGEST_ANSWER = 16 * 1024**2
MOST_CONCURRENCY = 2000

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Action(StrEnum):
    """What a run can be asked to do. `STATUS` changes nothing."""

    STATUS = "status"
    PAUSE = "pause"
    RESUME = "resume"
    CONCURRENCY = "concurrency"
    RATE = "rate"
    BUDGET = "budget"
    RELOAD = "reload"
    STOP = "stop"


_WITH_VALUE = {
    Action.CONCURRENCY: "a number of requests, such as 3",
    Action.RATE: "a rate, such as 60/minute, or none",
    Action.BUDGET: "an amount of US dollars, or none",
}

Value = int | Rate | Decimal | None


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that is asked. `value` is that of `CONCURRENCY`, `RATE` and `BUDGET`."""

    action: Action
    value: Value = None


def read_request(action: object, value: object = None) -> Request:
    """Read what is asked, in the words of the command line or the types of JSON.

    Raises:
        UsageError: no such action, or a value that it cannot take.
    """
    if action not in tuple(Action):
        raise UsageError(
            f"{_shown(action)} is not a valid action", hint=f"one of {', '.join(Action)}"
        )
    asked = Action(str(action))
    expected = _WITH_VALUE.get(asked)
    if expected is None:
        if value is not None:
            raise UsageError(f"{asked} takes no value, and {_shown(value)} is given")
        return Request(asked)
    try:
        return Request(asked, _read_value(asked, value))
    except (InvalidError, InvalidOperation, ValueError) as error:
        given = "none is given" if value is None else f"not {_shown(value)}"
        raise UsageError(f"{asked} takes {expected}; {given}") from error


def _read_value(action: Action, value: object) -> Value:
    known = isinstance(value, str | int | float | Decimal) and not isinstance(value, bool)
    text = str(value).strip() if known else ""
    if action is Action.CONCURRENCY:
        number = int(text) if text.isascii() and text.isdigit() else 0
        if not 1 <= number <= MOST_CONCURRENCY:
            raise ValueError
        return number
    if text.lower() == "none":
        return None
    if action is Action.RATE:
        return scalars.rate(text)
    amount = scalars.money(text)
    if amount < 0:
        raise ValueError
    return amount


def encode_request(action: Action, value: object) -> bytes:
    """Write the line that asks."""
    return _ENCODER.encode({"action": action, "value": value}) + b"\n"


def decode_request(line: bytes) -> Request:
    """Read the line that asks; keys that nobody knows are left alone.

    Raises:
        UsageError: it is not JSON, no object, or asks for what there is not.
    """
    try:
        asked = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError("not a line of JSON that asks for an action") from error
    return read_request(asked.get("action"), asked.get("value"))


def encode_answer(answer: Standing | PipelineError) -> bytes:
    """Write the line that answers."""
    if isinstance(answer, PipelineError):
        said = {"error": answer.message, "hint": answer.hint}
        return _ENCODER.encode(said) + b"\n"
    return _ENCODER.encode(answer) + b"\n"


class _Refused(msgspec.Struct):
    error: str
    hint: str | None = None


def decode_answer(line: bytes) -> Standing:
    """Read the line that answers.

    Raises:
        UsageError: the run refuses what was asked, or this is not an answer of a run.
    """
    try:
        refused = msgspec.json.decode(line, type=_Refused)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        refused = None
    if refused is not None:
        raise UsageError(refused.error, hint=refused.hint)
    try:
        return msgspec.json.decode(line, type=Standing)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError("the run gave an answer that this version cannot read") from error


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"  # noqa: PLR2004
