"""`pipeline check`."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import (
    base_url_option,
    job_argument,
    load_job,
    output_option,
    retry_option,
)
from pipeline.cli.output import give_json, show, tell
from pipeline.errors import ExitCode
from pipeline.models import Job

if TYPE_CHECKING:
    from pipeline.api.outcomes import Balance
    from pipeline.ledger.plan import Plan
    from pipeline.state import Files

# Tasks of each kind that are shown where nobody asks for all.
_FIRST = 5

# So the balance call is answered where the key is refused: so would a generation be.
_REFUSALS = (401, 403)


@click.command()
@job_argument
@output_option
@retry_option
@click.option("--all", "whole", is_flag=True, help="Show every task, not the first of each kind.")
@click.option("--balance", is_flag=True, help="Ask for the balance too (free, needs the key).")
@base_url_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: every task that is to do.")
def check(  # noqa: PLR0913 - the flags of the command
    job: Path,
    output: Path | None,
    retries: tuple[str, ...],
    base_url: str | None,
    *,
    whole: bool,
    balance: bool,
    as_json: bool,
) -> int:
    """Validate JOB.yaml and show the plan: what a run would render, and what it would cost.

    With --balance it exits as a run would end: 3 where balance or budget do not cover the plan, 4
    where the API refuses the key.
    """
    from pipeline.cli import planned  # noqa: PLC0415 - `--help` needs none of this
    from pipeline.ledger.plan import Retry  # noqa: PLC0415
    from pipeline.state import read_files  # noqa: PLC0415

    loaded = load_job(job, output)
    told = None
    if balance:
        told, loaded = _ask(loaded, base_url)
    files = read_files(loaded)
    most = 0 if as_json else None if whole else _FIRST
    with planned.Leaves(loaded, files, most=most) as leaves:
        plan = leaves.make(frozenset(Retry(name) for name in retries))
        facts = _facts(loaded, files, plan, told)
        if as_json:
            give_json(facts, more=("tasks", leaves.to_do))
        else:
            from pipeline.cli.plan_words import lines  # noqa: PLC0415

            for line in lines(loaded, facts, leaves):
                show(line)
    return _exit_code(facts, told)


def _facts(job: Job, files: "Files", plan: "Plan", told: "Balance | None") -> dict[str, Any]:
    """Gather what is said of the plan as a whole."""
    from pipeline.ledger.history import Standing  # noqa: PLC0415
    from pipeline.ledger.plan import usual_seconds  # noqa: PLC0415

    history = files.history
    each, learned = usual_seconds(job, history)
    balance = told.credits if told is not None else None
    seconds = None if each is None else -(-plan.selected // job.concurrency) * each
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
        "price": plan.price,
        "spent": history.spent,
        "at_risk": history.at_risk,
        "budget": job.credits.budget,
        "budget_left": plan.budget_left,
        "balance": balance,
        "covered": _covered(job, plan, balance),
        "seconds": None if seconds is None else round(max(seconds, _paced(job, plan.selected)), 1),
        "learned_pace": learned,
        "output": str(job.output_dir),
        "warnings": [*job.warnings, *plan.advice, *_unreachable(job)],
    }


def _paced(job: Job, selected: int) -> float:
    return selected * job.rate.interval if job.rate else 0.0


def _covered(job: Job, plan: "Plan", told: Decimal | None) -> bool | None:
    """Say whether the balance covers the plan; None where that is not known."""
    if told is None:
        return None
    spendable = told - job.credits.reserve
    if plan.price is None:
        return False if plan.selected and spendable <= 0 else None
    return spendable >= plan.price


def _unreachable(job: Job) -> list[str]:
    """Say which messages of the job could not be sent."""
    if job.notify is None or not job.notify.to:
        return []
    from pipeline.notify import problems  # noqa: PLC0415 - an extra

    return problems(job.notify)


def _ask(job: Job, base_url: str | None) -> "tuple[Balance, Job]":
    import anyio  # noqa: PLC0415 - only --balance talks to the network

    from pipeline.api.client import Client  # noqa: PLC0415
    from pipeline.cli.access import endpoint  # noqa: PLC0415

    access, job = endpoint(job, base_url)
    if access.unusual_host:
        tell(f"the balance is asked at {access.unusual_host}")

    async def ask() -> "Balance":
        async with Client(access) as client:
            return await client.balance()

    balance = anyio.run(ask)
    if balance.status in _REFUSALS:
        tell(f"error: the API refuses the key: {balance.detail}")
    elif balance.credits is None:
        tell(f"the balance is not told: {balance.detail}")
    return balance, job


def _exit_code(facts: dict[str, Any], told: "Balance | None") -> ExitCode:
    """Judge as a run would, where the API was asked."""
    if told is None:
        return ExitCode.OK
    if told.status in _REFUSALS:
        return ExitCode.API_REFUSES
    price, left = facts["price"], facts["budget_left"]
    over = left is not None and price is not None and price > left
    short = facts["to_do"] and (over or facts["covered"] is False)
    return ExitCode.CREDITS if short else ExitCode.OK
