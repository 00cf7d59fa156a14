"""The part of the page that needs no script: names, totals and the commands to continue."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from pipeline.amounts import dollars
from pipeline.report.data import ReportData, Totals

# What the page says of tasks without a clip.
_FAILED = (
    "These ended with an error that may come again. Read the reason before you try them again."
)
_IN_DOUBT = (
    "These were sent, but no complete response came back, so you may have paid for each. Sending "
    "one again may pay for it twice: settle them first, or compare with your account."
)
_ACCEPTED = (
    "The provider has accepted these and works on them, or has finished. Run the same command to "
    "bring them: nothing is sent again."
)
_SAVED = (
    "These are rendered and paid for. They are whole on the machine that ran the job, and not in "
    "their place yet. Run the same command to bring them: nothing is sent again."
)
_MISSING = (
    "These were rendered and paid for, but their files are no longer beside this report. Put them "
    "back, or render them again at the usual price."
)
_PENDING = (
    "Nothing was sent for these, or they have changed since. Run the same command to render them."
)


def parts(data: ReportData) -> dict[str, str]:
    """Return the HTML of each placeholder; everything from outside is escaped here."""
    return {
        "title": escape(("Simulated · " if data.simulated else "") + data.name),
        "name": escape(data.name),
        "generated": _moment(data.generated_at),
        "simulated": _SIMULATED if data.simulated else "",
        "lede": escape(lede(data.totals)),
        "bar": _bar(data.totals),
        "counts": "".join(_counts(data.totals)),
        "money": "".join(_money(data)),
        "unfinished": "".join(_unfinished(data)) or _NOTHING_LEFT,
    }


_SIMULATED = (
    '<p class="simulated"><strong>Simulated</strong> '
    "These clips come from the sandbox. Nothing was generated and nothing was paid.</p>"
)
_NOTHING_LEFT = '<p class="empty">Nothing is left: every clip of the job is ready.</p>'


def lede(totals: Totals) -> str:
    """Describe the state of the job in one sentence."""
    if not totals.total:
        return "Nothing has been rendered yet."
    if totals.succeeded == totals.total:
        return (
            "The clip is ready." if totals.total == 1 else f"All {totals.total:,} clips are ready."
        )
    if not totals.succeeded:
        return f"None of {totals.total:,} {_clips(totals.total)} is ready yet."
    verb = "is" if totals.succeeded == 1 else "are"
    return f"{totals.succeeded:,} of {totals.total:,} clips {verb} ready."


def _clips(count: int) -> str:
    return "clip" if count == 1 else "clips"


def _moment(rfc3339: str) -> str:
    try:
        moment = datetime.fromisoformat(rfc3339).astimezone(UTC)
    except ValueError:
        return escape(rfc3339)
    text = f"{moment.day} {moment:%B %Y, %H:%M} UTC"
    return f'<time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{text}</time>'


def _shares(totals: Totals) -> tuple[tuple[str, str, int], ...]:
    waiting = totals.accepted + totals.saved
    return (
        ("succeeded", "Succeeded", totals.succeeded),
        ("failed", "Failed", totals.failed),
        ("in-doubt", "In doubt", totals.in_doubt),
        *((("accepted", "Waiting", waiting),) if waiting else ()),
        ("pending", "Left to do", totals.pending),
    )


def _bar(totals: Totals) -> str:
    # Widths are attributes of SVG, not styles: the policy allows no inline style.
    rects, left = [], 0.0
    for key, _, count in _shares(totals):
        width = 1000 * count / totals.total if totals.total else 0
        if width:
            rects.append(f'<rect class="{key}" x="{left:.2f}" width="{width:.2f}" height="10"/>')
        left += width
    opening = (
        '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
    )
    return f"{opening}{''.join(rects)}</svg>"


def _counts(totals: Totals) -> Iterator[str]:
    for key, label, count in _shares(totals):
        yield _figure(label, f"{count:,}", f"{key} none" if not count else key)


def _money(data: ReportData) -> Iterator[str]:
    totals = data.totals
    balance = totals.remaining_credits
    yield _figure("Spent", dollars(totals.spent))
    yield _figure("At risk", dollars(totals.at_risk), "" if totals.at_risk else "none")
    yield _figure("Balance", "unknown" if balance is None else dollars(balance))


def _figure(label: str, value: str, key: str = "") -> str:
    return f'<div class="{key}"><dt>{label}</dt><dd>{value}</dd></div>'


def _unfinished(data: ReportData) -> Iterator[str]:
    totals, commands = data.totals, data.commands
    if totals.failed:
        yield _block("failed", "Failed", _FAILED, commands.failed)
    if totals.in_doubt:
        settle = [commands.settle] if commands.settle else []
        yield _block("in_doubt", "In doubt", _IN_DOUBT, *settle, commands.in_doubt)
    if totals.accepted:
        heading = f"Waiting at the provider: {totals.accepted:,}"
        yield _block("accepted", heading, _ACCEPTED, commands.run)
    if totals.saved:
        heading = f"Rendered, and not in place: {totals.saved:,}"
        yield _block("saved", heading, _SAVED, commands.run)
    if data.missing - data.former - data.changed:
        yield _block("missing", "Missing files", _MISSING, commands.missing)
    if totals.pending:
        heading = f"Left to do: {totals.pending:,}"
        yield _block("pending", heading, _PENDING, commands.run)


def _block(key: str, heading: str, meaning: str, *commands: str) -> str:
    shown = (f'<div class="command"><code>{escape(command)}</code></div>' for command in commands)
    return (
        f'<section class="block" data-block="{key}" aria-labelledby="block-{key}">'
        f'<h3 id="block-{key}">{heading}</h3><p>{meaning}</p>'
        f"{''.join(shown)}"
        '<div class="rows"></div></section>'
    )
