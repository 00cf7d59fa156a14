"""`pipeline check`."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from pipeline.api.outcome import Balance
from pipeline.cli import limits
from pipeline.cli.chosen import hosts, provider
from pipeline.cli.listing import Listing
from pipeline.cli.options import (
    again_option,
    base_url_option,
    include_kept_option,
    job_argument,
    load_job,
    only_option,
    output_option,
    retry_option,
)
from pipeline.cli.output import message, show, write_json
from pipeline.cli.patterns import selection
from pipeline.cli.plan_words import lines
from pipeline.errors import ExitCode
from pipeline.ledger.history import TaskState
from pipeline.ledger.plan import Plan, Retry, usual_seconds
from pipeline.models import Job
from pipeline.state import Files, read_files

# How many tasks of each kind are listed without --all.
_FIRST = 5

# How the balance call answers to a key that the API refuses.
_REFUSALS = (401, 403)


@click.command()
@job_argument
@output_option
@retry_option
@only_option
@again_option
@include_kept_option
@click.option("--all", "whole", is_flag=True, help="Show every task, not the first of each kind.")
@click.option("--balance", is_flag=True, help="Ask for the balance too (free, needs the key).")
@base_url_option
@click.option("--json", "as_json", is_flag=True, help="For scripts: every task that is to do.")
def check(  # noqa: PLR0913, PLR0917 - the flags of the command
    job: Path,
    output: Path | None,
    retries: tuple[str, ...],
    only: tuple[str, ...],
    again: tuple[str, ...],
    base_url: str | None,
    *,
    include_kept: bool,
    whole: bool,
    balance: bool,
    as_json: bool,
) -> int:
    """Validate JOB.yaml and show the plan: what a run would render, and what it would cost.

    With --balance it exits as a run would end: 3 where balance or budget do not cover the plan, 4
    where the API refuses the key.
    """
    loaded = load_job(job, output)
    select = selection(only, again, include_kept=include_kept)
    answer = None
    if balance:
        from pipeline.cli.balance import ask  # noqa: PLC0415 - see the module

        answer, loaded = ask(loaded, base_url)
        _explain(answer)
    files = read_files(loaded)
    sent_to = hosts(loaded, base_url)
    most = 0 if as_json else None if whole else _FIRST
    with Listing(loaded, files, most=most) as listing:
        plan = listing.make(frozenset(Retry(name) for name in retries), select)
        facts = {**_facts(loaded, files, plan, answer), "hosts": sent_to}
        if as_json:
            write_json(facts, more=("tasks", listing.to_do))
        else:
            for line in lines(loaded, facts, listing):
                show(line)
    return _exit_code(facts, answer)


def _facts(job: Job, files: Files, plan: Plan, answer: Balance | None) -> dict[str, Any]:
    """Gather the figures of the plan as a whole, as --json shows them."""
    history = files.history
    each, learned = usual_seconds(provider(job).model(job.model), history)
    balance = answer.credits if answer is not None else None
    seconds = None if each is None else -(-plan.selected // job.concurrency) * each
    return {
        "job": job.name,
        "provider": provider(job).name,
        "total": plan.total,
        "done": plan.states[TaskState.DONE],
        "changed": plan.states[TaskState.CHANGED],
        "kept": plan.states[TaskState.KEPT],
        "again": plan.again,
        "kept_clips": plan.verdicts["kept"],
        "rejected_clips": plan.verdicts["rejected"],
        "new": plan.states[TaskState.NEW] + plan.states[TaskState.RELEASED],
        "failed": plan.states[TaskState.FAILED],
        "in_doubt": plan.states[TaskState.IN_DOUBT],
        "accepted": plan.states[TaskState.ACCEPTED],
        "saved": plan.states[TaskState.SAVED],
        "missing": plan.missing_count,
        "removed": plan.removed_count,
        "to_do": plan.selected,
        "price": plan.price,
        "spent": history.spent,
        "at_risk": history.at_risk,
        "account": limits.facts(job),
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


def _covered(job: Job, plan: Plan, balance: Decimal | None) -> bool | None:
    """Say whether the balance covers the plan; None where that is not known."""
    if balance is None:
        return None
    spendable = balance - job.credits.reserve
    if plan.price is None:
        return False if plan.selected and spendable <= 0 else None
    return spendable >= plan.price


def _unreachable(job: Job) -> list[str]:
    """List what would keep the notifications of the job from being sent."""
    if job.notify is None or not job.notify.to:
        return []
    from pipeline.notify import problems  # noqa: PLC0415 - for jobs that notify

    return problems(job.notify)


def _explain(answer: Balance) -> None:
    """Say why there is no balance, where there is none."""
    if answer.status in _REFUSALS:
        message(f"error: the API refuses the key: {answer.detail}")
    elif answer.credits is None:
        message(f"the API did not report a balance: {answer.detail}")


def _exit_code(facts: dict[str, Any], answer: Balance | None) -> ExitCode:
    """Return the code that a run would end with, where the API was asked."""
    if answer is None:
        return ExitCode.OK
    if answer.status in _REFUSALS:
        return ExitCode.API_REFUSES
    price, left = facts["price"], facts["budget_left"]
    over = left is not None and price is not None and price > left
    short = facts["to_do"] and (over or facts["covered"] is False)
    return ExitCode.CREDITS if short else ExitCode.OK
