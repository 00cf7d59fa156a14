"""The command `sandbox`: its options, and whether what it needs is installed.

Importing it needs no extra.
"""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from sandbox.errors import SandboxError
from sandbox.faults import KINDS
from sandbox.media_faults import read_media_rule
from sandbox.settings import (
    BalanceCall,
    Outage,
    OutageKind,
    PriceOf,
    Settings,
)

_T = TypeVar("_T")
_SECONDS = click.FloatRange(min=0)
_DEFAULTS = Settings()
# As `sandbox.vendors` has them, which needs the extra.
WIRES = ("segmind", "fal", "replicate", "elevenlabs", "openai-images", "comfyui")
EXTRA = ("av", "PIL", "starlette", "uvicorn")


def _each(read: Callable[[str], _T]) -> Callable[[click.Context, Any, Any], Any]:
    """Make a callback that reads an option's text, or each of its texts, or refuses it."""

    def callback(ctx: click.Context, param: Any, value: Any) -> Any:
        try:
            return tuple(map(read, value)) if param.multiple else read(value)
        except (ValueError, InvalidOperation) as error:
            raise click.BadParameter(f"expected {param.metavar}", ctx, param) from error

    return callback


def _money(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite() or amount < 0:
        raise ValueError(text)
    return amount


def _price_of(text: str) -> PriceOf:
    # A value may hold a colon, as ratios do; a price does not.
    condition, _, price = text.rpartition(":")
    key, equals, value = condition.partition("=")
    if not equals:
        raise ValueError(text)
    return PriceOf(key, value, _money(price))


def _fault(text: str) -> tuple[str, float]:
    kind, _, rate = text.partition("=")
    return kind, float(rate)


def _outage(text: str) -> tuple[float, float]:
    start, _, length = text.partition(":")
    return float(start), float(length)


def _choice(name: str, default: StrEnum, text: str) -> Callable[[Any], Any]:
    # Of an enumeration click would offer the names of its members, not their values.
    kinds = type(default)
    return click.option(
        name,
        type=click.Choice([kind.value for kind in kinds]),
        default=default.value,
        show_default=True,
        callback=lambda _ctx, _param, value: kinds(value),
        help=text,
    )


def _money_option(name: str, default: Decimal, text: str) -> Callable[[Any], Any]:
    return click.option(
        name,
        default=str(default),
        metavar="USD",
        show_default=True,
        callback=_each(_money),
        help=text,
    )


@click.command()
@click.option("--host", default=_DEFAULTS.host, show_default=True, help="A loopback address.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_DEFAULTS.port,
    show_default=True,
    help="0 takes a free one.",
)
@click.option(
    "--wire",
    default=_DEFAULTS.wire,
    show_default=True,
    metavar="NAME",
    help=f"Whose API is simulated: {', '.join(WIRES)}.",
)
@click.option(
    "--models",
    help="The models that exist: names or patterns, with commas between; by default luma-*, ray-*,"
    " kling-* and wan-*, and with another wire any.",
)
@click.option("--key", help="The only key that is accepted; by default, any.")
@_money_option("--credits", _DEFAULTS.credits, "The balance to begin with.")
@_money_option("--free-credits", _DEFAULTS.free_credits, "Free credits, spent first.")
@_money_option("--price", _DEFAULTS.price, "What a generation costs.")
@click.option(
    "--price-of",
    "prices",
    multiple=True,
    metavar="KEY=VALUE:USD",
    callback=_each(_price_of),
    help="What one costs whose parameter KEY is VALUE. Repeatable; the last that applies wins.",
)
@_choice("--charge", _DEFAULTS.charge, "When a generation is charged.")
@click.option("--header-lag", is_flag=True, help="The header shows the balance before the charge.")
@click.option(
    "--header-late",
    type=_SECONDS,
    default=_DEFAULTS.header_late,
    metavar="SECONDS",
    help="The header shows the balance of so long ago.",
)
@click.option("--no-credit-header", is_flag=True, help="No response has the balance.")
@click.option("--no-balance-call", is_flag=True, help="The balance call answers 404.")
@click.option("--balance-garbage", is_flag=True, help="The balance call answers with an HTML page.")
@click.option("--cost-header", is_flag=True, help="Responses have their cost.")
@click.option("--unmarked", is_flag=True, help="Responses do not say that they are simulated.")
@click.option(
    "--latency",
    type=_SECONDS,
    default=_DEFAULTS.latency,
    show_default=True,
    metavar="SECONDS",
    help="What a generation takes.",
)
@click.option(
    "--jitter",
    type=click.FloatRange(0, 1),
    default=_DEFAULTS.jitter,
    show_default=True,
    help="How far the latency varies, as a fraction of it.",
)
@click.option("--seed", type=int, default=_DEFAULTS.seed, help="Other faults, latencies, looks.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND=RATE",
    callback=_each(_fault),
    help=f"A fault and the fraction of POSTs that meet it. Kinds: {', '.join(sorted(KINDS))}.",
)
@click.option("--retry-after", type=click.IntRange(0), metavar="SECONDS", help="Sent with a 429.")
@click.option(
    "--slow-seconds",
    type=_SECONDS,
    default=_DEFAULTS.slow_seconds,
    show_default=True,
    metavar="SECONDS",
    help="How long the body of the fault `slow` takes, and each answer of a slow history.",
)
@click.option(
    "--outage",
    "windows",
    multiple=True,
    metavar="START:LENGTH",
    callback=_each(_outage),
    help="No service in this window, in seconds since the first POST. Repeatable.",
)
@_choice(
    "--outage-kind",
    OutageKind.UNAVAILABLE,
    "What an outage looks like: a status, or a closed port.",
)
@_choice("--history", _DEFAULTS.history, "How the request history answers.")
@click.option(
    "--history-lag",
    type=_SECONDS,
    default=_DEFAULTS.history_lag,
    metavar="SECONDS",
    help="How long until a request appears in the history.",
)
@_choice("--history-times", _DEFAULTS.history_times, "How the history writes times.")
@click.option(
    "--outputs",
    type=click.IntRange(1),
    default=_DEFAULTS.outputs,
    metavar="N",
    help="The outputs of a request: it has a row in the history for each.",
)
@click.option(
    "--strangers",
    type=click.IntRange(0),
    default=_DEFAULTS.strangers,
    metavar="N",
    help="Rows of other jobs in the history, with other parameters.",
)
@click.option(
    "--twins",
    type=click.IntRange(0),
    default=_DEFAULTS.twins,
    metavar="N",
    help="Rows of other jobs, with the parameters of the first N requests.",
)
@_choice("--request-ids", _DEFAULTS.request_ids, "x-request-id of v1: as in the history, or not.")
@click.option(
    "--record-life",
    type=_SECONDS,
    default=_DEFAULTS.record_life,
    show_default=True,
    metavar="SECONDS",
    help="How long v2 knows a request, from its submission.",
)
@_choice("--states", _DEFAULTS.states, "States of v2: strange ones are documented nowhere.")
@click.option(
    "--media",
    default="ok",
    show_default=True,
    metavar="FAULT[=RATE]",
    callback=_each(read_media_rule),
    help="What fetching media meets: ok, once-dead, dead, redirect, html or cut; and the fraction"
    " of requests that meet it.",
)
@click.option(
    "--books",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keeps the books in a file, over restarts.",
)
@_choice("--clips", _DEFAULTS.clips, "Clips that show their prompt, or tiny valid ones.")
@click.option("--body-size", type=click.IntRange(0), metavar="BYTES", help="Pads clips to this.")
@click.option("--verbose", is_flag=True, help="One line a request on standard error.")
def sandbox(**options: Any) -> None:
    """Simulate the API on loopback, with credits, latency and faults to order.

    Point a run at it with --base-url. A prompt may hold directives: [[fail 500 x2]] fails its
    first two requests, [[fail 410]] every one, [[latency 3]] takes 3 seconds, and the media of
    [[media once-dead]] are gone at the first address.
    """
    serve(settings_from(options))


def settings_from(options: dict[str, Any]) -> Settings:
    """Turn the values of the command's options into settings."""
    take = options.pop
    balance_call = BalanceCall.MISSING if take("no_balance_call") else BalanceCall.JSON
    balance_call = BalanceCall.GARBAGE if take("balance_garbage") else balance_call
    kind = take("outage_kind")
    return Settings(
        models=tuple(name.strip() for name in (take("models") or "").split(",") if name.strip()),
        faults=dict(take("faults")),
        outages=tuple(Outage(start, length, kind) for start, length in take("windows")),
        credit_header=not take("no_credit_header"),
        balance_call=balance_call,
        marked=not take("unmarked"),
        **options,
    )


def serve(settings: Settings, needs: tuple[str, ...] = EXTRA) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SandboxError: a module that it needs is missing, the port is taken, or the file of the
            books holds something else.
    """
    if any(find_spec(name) is None for name in needs):
        raise SandboxError(
            "the sandbox needs the extra `sandbox`, which is not installed",
            hint="in the checkout: uv tool install '.[sandbox]', or pip install '.[sandbox]'",
        )
    from sandbox.host import run  # noqa: PLC0415 - only here is the extra certain

    run(settings)
