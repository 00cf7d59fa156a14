"""What a run says in the end is what `status` says right after it: money, balance and tasks."""

import os
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

from support.night import CLIP, SILENCE, Answer, Call, Night

from pipeline import events as ev
from pipeline.errors import ExitCode
from pipeline.models import InDoubt
from pipeline.runtime.options import Options
from pipeline.state import look


def run(night: Night, **changes: Any) -> ev.Summary:
    """Run a night, and hold its summary against the status."""
    summary = night.run(**changes)
    job = {key: value for key, value in changes.items() if key != "options"}
    status, money = look(night.job(**job)), summary.money
    assert (money.spent, money.at_risk) == (status.spent, status.at_risk)
    assert money.remaining == status.remaining_credits
    assert summary.counts == status.counts
    return summary


def test_without_a_gate_too_an_older_answer_never_raises_the_balance(tmp_path: Path) -> None:
    """The first two answers come last, and the API has charged them first."""

    def api(call: Call) -> Answer:
        number = len(night.calls)
        return Answer(200, seconds=9.0 / number, body=b"clip", remaining=Decimal(10 - number))

    night = Night(tmp_path, 4, api)
    assert run(night, concurrency=4).money.remaining == 6
    assert [record.remaining_credits for record in night.records.values()] == [6, 6, 6, 6]


def test_a_run_that_sends_nothing_says_the_balance_that_is_known(tmp_path: Path) -> None:
    night = Night(tmp_path, 1, lambda _: Answer(200, body=b"clip", remaining=Decimal(5)))
    run(night)
    assert run(night).money.remaining == 5
    assert len(night.calls) == 1


def test_a_task_that_was_to_be_sent_again_is_in_doubt_where_the_run_stops(tmp_path: Path) -> None:
    def api(call: Call) -> Answer:
        if call.task == "t001":
            os.kill(os.getpid(), signal.SIGINT)
        return SILENCE if call.task == "t000" else CLIP

    night = Night(tmp_path, 3, api)
    retry = {"in_doubt": InDoubt.RESEND, "wait": 60.0}
    summary = run(night, retry=retry, options=Options(handle_signals=True))
    assert summary.exit_code == ExitCode.SIGINT
    assert (summary.counts.in_doubt, summary.counts.pending) == (1, 1)
