"""What a run would cost before it is started: `pipeline check` says it."""

import subprocess
from decimal import Decimal
from typing import Any

import anyio
import msgspec

from pipeline.errors import UsageError
from pipeline.printable import printable
from pipeline.viewing.actions import program
from pipeline.viewing.source import Source

_LONGEST = 2_000


class _Facts(msgspec.Struct):
    to_do: int
    price: Decimal | None = None
    warnings: list[str] = []


async def price(source: Source, flags: list[str]) -> dict[str, Any]:
    """Return how many tasks a run with these flags would render, and what they would cost.

    Raises:
        UsageError: `check` refuses, in its words.
    """
    command = [*program(), "check", *source.arguments, "--json", *flags]
    done = await anyio.run_process(
        command, stdin=subprocess.DEVNULL, check=False, start_new_session=True
    )
    try:
        facts = msgspec.json.decode(done.stdout, type=_Facts)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        said = printable(done.stderr.decode(errors="replace").strip().removeprefix("error: "))
        raise UsageError(said[:_LONGEST] or "the price cannot be known") from error
    return {"tasks": facts.to_do, "price": facts.price, "warnings": facts.warnings}
