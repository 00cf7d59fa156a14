"""Summary, status, report and manifest say one balance and one sum, with the real command."""

import fcntl
import os
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.helpers import Workspace
from support.other_api import OtherApi, Reply

PRICE = Decimal("0.95")
HEADER = "x-remaining-credits"


def job(workspace: Workspace, count: int, **keys: Any) -> None:
    prompts = [{"id": f"t{n:02}", "prompt": f"scene {n:02}"} for n in range(count)]
    workspace.write(prompts=prompts, **{"credits": {"cost": 0.95}, **keys})


def amounts(text: str, pattern: str) -> list[Decimal]:
    return [Decimal(found.replace(",", "")) for found in re.findall(pattern, text)]


def check_books(workspace: Workspace, said: str) -> dict[str, Any]:
    """Hold what a run said in the end against status and the report; return the status."""
    status = workspace.status()
    page = workspace.finish(workspace.start("--output", workspace.output, command="report"))
    assert page.code == 0, page.err
    text = re.sub(r"<[^>]*>", " ", (workspace.output / "report.html").read_text("utf-8"))
    spent, at_risk, left = status["spent"], status["at_risk"], status["remaining_credits"]
    summary = next(line for line in said.splitlines() if re.search(r" exit \d+: ", line))
    assert amounts(summary, r"spent \$([\d.,]*\d)") == [spent]
    assert (amounts(summary, r"\$([\d.,]*\d) at risk") or [0]) == [at_risk]
    assert amounts(summary, r"\$([\d.,]*\d) credits left") == [left]
    shown = amounts(text, r"(?:Spent|At risk|Balance)\s*\$([\d.,]*\d)")
    assert shown == [spent, at_risk, left]
    return status


@pytest.mark.variant
@pytest.mark.parametrize("without", ["nothing", "the note"])
def test_answers_out_of_order_leave_one_balance(workspace: Workspace, without: str) -> None:
    """The first two answers come last, and in between somebody tops up."""

    def generate(api: OtherApi, number: int) -> Reply:
        if number == 4:
            api.balance += 50
        api.pay(PRICE)
        slow = {0: 1.5, 1: 1.2}.get(number, 0.1)
        return Reply(headers={HEADER: str(api.balance)}, seconds=slow)

    job(workspace, 10, concurrency=3)
    with OtherApi(generate, balance=10) as api:
        run = workspace.run(url=api.url)
    assert run.code == 0, run.err
    if without == "the note":  # then the records alone say it
        (workspace.output / ".state.json").unlink()
    status = check_books(workspace, run.err)
    assert status["remaining_credits"] == workspace.records()[-1]["remaining_credits"]
    assert status["remaining_credits"] < 10


def replace_by_a_locked_copy(manifest: Path) -> int:
    """Put a copy that somebody has locked in place of a manifest; returns what holds the lock."""
    copy = manifest.with_name("copy")
    shutil.copyfile(manifest, copy)
    file = os.open(copy, os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX)
    copy.rename(manifest)
    return file


@pytest.mark.variant
def test_a_run_that_cannot_save_a_record_says_the_money_that_status_says_afterwards(
    workspace: Workspace,
) -> None:
    locks: list[int] = []

    def generate(api: OtherApi, number: int) -> Reply:
        api.pay(PRICE)
        if number == 2:
            locks.append(replace_by_a_locked_copy(workspace.output / "manifest.jsonl"))
        return Reply(headers={HEADER: str(api.balance)})

    job(workspace, 5, concurrency=1)
    with OtherApi(generate, balance=10) as api:
        run = workspace.run(url=api.url)
    assert run.code == 7, run.err
    os.close(locks[0])
    status = check_books(workspace, run.err)
    # The clip before may not have been recorded yet, as the third request went out.
    lost = status["in_doubt"]
    assert lost in {1, 2}
    assert (status["spent"], status["at_risk"]) == ((3 - lost) * PRICE, lost * PRICE)
    assert (status["succeeded"], status["pending"]) == (3 - lost, 2)
    with OtherApi(generate, balance=api.balance) as again:
        end = workspace.run(url=again.url, within=60)
    assert end.code == 0, end.err
    status = check_books(workspace, end.err)
    assert (status["spent"], status["at_risk"]) == (5 * PRICE, 0)
