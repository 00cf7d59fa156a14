"""`pipeline check`."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import base_url_option, job_argument, load_job, output_option
from pipeline.cli.output import give_json, show, tell
from pipeline.models import Job
from pipeline.printable import printable

# The published time of one Luma clip, where past tasks tell nothing. Source: the vendor's page.
_TYPICAL_SECONDS = 62.0


@click.command()
@job_argument
@output_option
@click.option("--balance", is_flag=True, help="Ask for the balance too (free, needs the key).")
@base_url_option
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def check(
    job: Path, output: Path | None, base_url: str | None, *, balance: bool, as_json: bool
) -> None:
    """Validate JOB.yaml and show the plan: what a run would render, and what it would cost."""
    loaded = load_job(job, output)
    told = None
    if balance:
        told, loaded = _ask(loaded, base_url)
    plan = _plan(loaded, told)
    if as_json:
        give_json(plan)
    else:
        show("\n".join(map(printable, _lines(loaded, plan))))


def _plan(job: Job, told: Decimal | None) -> dict[str, Any]:
    from pipeline.directory import Layout  # noqa: PLC0415 - `--help` needs none of this
    from pipeline.manifest import Standing  # noqa: PLC0415
    from pipeline.plan import make  # noqa: PLC0415
    from pipeline.standing import read_files  # noqa: PLC0415

    history = read_files(job).history
    plan = make(job, history, Layout(job.output_dir).manifest, name_removed=True)
    past = sorted(history.durations)
    each = past[len(past) // 2] if past else _TYPICAL_SECONDS
    seconds = max(-(-plan.selected // job.concurrency) * each, _paced(job, plan.selected))
    price = plan.price
    return {
        "job": job.name,
        "total": plan.total,
        "done": plan.standings[Standing.DONE],
        "changed": plan.standings[Standing.CHANGED],
        "new": plan.standings[Standing.NEW],
        "failed": plan.standings[Standing.FAILED],
        "in_doubt": plan.standings[Standing.IN_DOUBT],
        "missing": plan.missing_count,
        "removed": plan.removed_count,
        "to_do": plan.selected,
        "price": price,
        "spent": history.spent,
        "at_risk": history.at_risk,
        "budget": job.credits.budget,
        "balance": told,
        "covered": None if told is None or price is None else _spendable(job, told) >= price,
        "seconds": round(seconds, 1),
        "learned_pace": bool(past),
        "output": str(job.output_dir),
        "tasks": {
            "changed": plan.names.get(Standing.CHANGED, []),
            "new": plan.names.get(Standing.NEW, []),
            "failed": plan.names.get(Standing.FAILED, []),
            "in_doubt": plan.names.get(Standing.IN_DOUBT, []),
            "missing": plan.missing,
            "removed": plan.removed,
        },
        "warnings": list(job.warnings),
    }


def _paced(job: Job, selected: int) -> float:
    return selected * job.rate.interval if job.rate else 0.0


def _spendable(job: Job, told: Decimal) -> Decimal:
    return told - job.credits.reserve


def _ask(job: Job, base_url: str | None) -> tuple[Decimal | None, Job]:
    import anyio  # noqa: PLC0415 - only --balance talks to the network

    from pipeline.cli.access import endpoint  # noqa: PLC0415
    from pipeline.client import Client  # noqa: PLC0415

    access, job = endpoint(job, base_url)
    if access.unusual_host:
        tell(f"the balance is asked at {access.unusual_host}")

    async def ask() -> Decimal | None:
        async with Client(access) as client:
            balance = await client.balance()
        if balance.credits is None:
            tell(f"the balance is not told: {balance.detail}")
        return balance.credits

    return anyio.run(ask), job


_SIGNS = (
    ("new", "+", "new"),
    ("changed", "~", "changed, will be rendered again"),
    ("done", "=", "done"),
    ("failed", "!", "failed; --retry failed takes them up"),
    ("in_doubt", "?", "in doubt, perhaps paid for; --retry in-doubt takes them up"),
    ("missing", "?", "done, but the clip is not in place; --retry missing renders it again"),
    ("removed", "-", "in the manifest, but no longer in the job"),
)


def _lines(job: Job, plan: dict[str, Any]) -> list[str]:
    from pipeline.display.words import duration, money, tasks  # noqa: PLC0415

    lines = [f"{plan['job']}: {tasks(plan['total'])} of {job.model} → {plan['output']}", ""]
    for key, sign, meaning in _SIGNS:
        if plan[key]:
            lines.append(f"  {sign} {plan[key]:>7,}  {meaning}")
            names = plan["tasks"].get(key, [])
            lines += [f"               {name}" for name in names[:3]]
            if names[3:]:
                lines.append(f"               … and {plan[key] - 3:,} more")
    pace = "by past tasks" if plan["learned_pace"] else "by the published time of one clip"
    lines += ["", f"A run renders {tasks(plan['to_do'])} for {_price(plan)}."]
    if plan["to_do"]:
        lines.append(
            f"It takes about {duration(plan['seconds'])} at {job.concurrency} at a time ({pace})."
        )
    if plan["spent"] or plan["at_risk"]:
        risk = f", {money(plan['at_risk'])} at risk" if plan["at_risk"] else ""
        lines.append(f"Spent so far: {money(plan['spent'])}{risk}.")
    if plan["budget"] is not None:
        lines.append(f"Budget: {money(plan['budget'])} over the life of this manifest.")
    lines += _cover(plan)
    return lines + [f"warning: {warning}" for warning in plan["warnings"]]


def _price(plan: dict[str, Any]) -> str:
    from pipeline.display.words import money  # noqa: PLC0415

    if plan["price"] is None:
        return "a price that is not known yet: write credits.cost, or let the first request tell"
    return f"about {money(plan['price'])}"


def _cover(plan: dict[str, Any]) -> list[str]:
    from pipeline.display.words import money  # noqa: PLC0415

    if plan["balance"] is None:
        return []
    verdict = {True: "which covers it", False: "which does not cover it", None: ""}[plan["covered"]]
    return [f"Balance: {money(plan['balance'])}{', ' + verdict if verdict else ''}."]
