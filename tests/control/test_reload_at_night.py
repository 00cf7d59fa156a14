"""A job file that is edited while its run continues, on virtual time."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.controlled import Ask, Controlled
from support.night import CLIP, REFUSED_CONNECT, SILENCE, Answer

from pipeline import events as ev
from pipeline.errors import ExitCode, JobFileError, Problem, UsageError
from pipeline.ledger.plan import Retry
from pipeline.models import CreditPolicy, Gate, Job, Rate, RetryPolicy, fingerprint
from pipeline.runtime.options import Options
from pipeline.state import look


def slow(seconds: float) -> Answer:
    return Answer(200, body=b"clip", seconds=seconds)


def edited(night: Controlled, name: str) -> dict[str, Any]:
    """What an edit of a row's prompt makes of its task."""
    params = {"prompt": f"{name}, edited"}
    return {"params": params, "fingerprint": fingerprint("luma-txt-2-video", params)}


def agrees_with_status(night: Controlled, summary: ev.Summary) -> None:
    """What the run counts is what its files say, of the job as it is now."""
    state = look(night.job(**night.written))
    assert summary.counts == state.counts
    assert (summary.money.spent, summary.money.at_risk) == (state.spent, state.at_risk)
    assert summary.here.total == sum(
        (summary.here.succeeded, summary.here.failed, summary.here.in_doubt, summary.left)
    )


def names(*numbers: int) -> list[str]:
    return [f"t{number:03}" for number in numbers]


def test_added_rows_are_rendered_by_the_run(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 10, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(15)
        night.tasks = 60
        now = await ask("reload")
        assert now.changed
        assert "50 joined, 0 left, 0 changed" in now.changed
        assert (now.total, now.succeeded, now.pending) == (60, 5, 55)

    summary = night.go(script, concurrency=5)
    assert summary.exit_code is ExitCode.OK
    assert summary.here.succeeded == summary.counts.succeeded == 60
    assert max(night.seen.values()) == 1
    agrees_with_status(night, summary)


def test_rows_that_come_when_all_others_are_in_flight_have_places(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 2, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        night.tasks = 30
        await ask("reload")

    assert night.go(script, concurrency=10).exit_code is ExitCode.OK
    assert night.peak == 10
    assert night.seconds < 45


def test_what_was_sent_stays_and_what_was_not_is_as_it_is_now(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 8, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(15)  # 0 and 1 have ended, 2 and 3 are in flight
        night.tasks = names(1, 2, 3, 5, 6, 7, 9)
        for number in (1, 2, 5):
            night.rows[f"t{number:03}"] = edited(night, f"t{number:03}")
        now = await ask("reload")
        assert now.changed
        assert "1 joined, 1 left, 1 changed" in now.changed
        assert "2 had been sent already" in now.changed

    summary = night.go(script, concurrency=2)
    assert summary.exit_code is ExitCode.SOME_FAILED
    assert "2 changed in the job after they were sent" in summary.detail
    assert set(night.seen) == set(names(0, 1, 2, 3, 5, 6, 7, 9))
    assert max(night.seen.values()) == 1
    told = {task: record.params["prompt"] for task, record in night.records.items()}
    assert told["t001"] == "t001"
    assert told["t002"] == "t002"
    assert told["t005"] == "t005, edited"
    agrees_with_status(night, summary)
    again = night.run(**night.written)
    assert again.exit_code is ExitCode.OK
    assert again.here.succeeded == 2
    assert again.counts.total == 7


def test_an_edit_that_is_taken_back_leaves_nothing_to_do(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 6, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(15)
        night.rows["t000"] = night.rows["t002"] = edited(night, "other")
        assert "2 had been sent already" in ((await ask("reload")).changed or "")
        await anyio.sleep(10)
        night.rows.clear()
        now = await ask("reload")
        assert now.changed
        assert "had been sent" not in now.changed

    summary = night.go(script, concurrency=2)
    assert summary.exit_code is ExitCode.OK
    assert summary.counts.succeeded == 6
    assert max(night.seen.values()) == 1
    agrees_with_status(night, summary)


def test_a_task_that_waits_for_its_retry_is_not_sent_twice(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 4)
    night.api = lambda call: (
        Answer(429, retry_after=30) if call.task == "t000" and call.nth == 1 else slow(1)
    )

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        night.rows["t000"] = edited(night, "t000")
        night.tasks = 6
        await ask("reload")
        await ask("reload")

    summary = night.go(script, concurrency=1)
    assert night.seen["t000"] == 2  # the refusal, and its retry
    assert night.records["t000"].params == {"prompt": "t000"}
    assert summary.counts.succeeded == 5
    assert summary.counts.pending == 1
    agrees_with_status(night, summary)


def test_a_task_of_which_nothing_went_out_is_taken_as_it_is_now(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 3)
    night.api = lambda call: REFUSED_CONNECT if call.at < 100 else CLIP

    async def script(ask: Ask) -> None:
        await anyio.sleep(1.5)  # the first waits for its next try
        night.rows["t000"] = edited(night, "t000")
        night.tasks = names(0, 1)
        await ask("reload")

    summary = night.go(script, retry={"outage": 3600.0})
    assert summary.exit_code is ExitCode.OK
    assert night.records["t000"].params == {"prompt": "t000, edited"}
    assert set(night.records) == set(names(0, 1))
    agrees_with_status(night, summary)


@pytest.mark.parametrize("edit", ["row", "removed", "nothing"])
def test_a_task_in_doubt_stays_so_whatever_the_file_says(tmp_path: Path, edit: str) -> None:
    night = Controlled(tmp_path, 4, lambda call: SILENCE if call.task == "t000" else slow(5))

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        if edit == "row":
            night.rows["t000"] = edited(night, "t000")
        elif edit == "removed":
            night.tasks = names(1, 2, 3)
        await ask("reload")

    summary = night.go(script)
    assert night.seen["t000"] == 1
    agrees_with_status(night, summary)


def test_a_removed_task_that_was_sent_is_finished_and_not_counted(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 4, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        night.tasks = names(2, 3)
        now = await ask("reload")
        assert now.total == 2

    summary = night.go(script, concurrency=2)
    assert summary.exit_code is ExitCode.OK
    assert summary.here.succeeded == 4
    assert (summary.counts.total, summary.counts.succeeded) == (2, 2)
    agrees_with_status(night, summary)


def test_priorities_change_the_order(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 8, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        night.rows["t006"] = {"priority": 5}
        await ask("reload")

    assert night.go(script).exit_code is ExitCode.OK
    assert [call.task for call in night.calls][:3] == names(0, 6, 1)


def test_a_task_that_waits_for_the_turn_of_its_rate_is_taken_as_it_is_now(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 3, lambda _: slow(0.1))

    async def script(ask: Ask) -> None:
        await anyio.sleep(30)  # the second waits for its minute
        night.rows["t001"] = edited(night, "t001")
        night.tasks = names(0, 1)
        await ask("reload")

    summary = night.go(script, rate=Rate(1, 60.0))
    assert summary.exit_code is ExitCode.OK
    assert night.records["t001"].params == {"prompt": "t001, edited"}
    assert set(night.seen) == set(names(0, 1))
    agrees_with_status(night, summary)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_limit_holds_on(tmp_path: Path, times: int) -> None:
    night = Controlled(tmp_path, 20, lambda _: slow(10))
    night.options = Options(limit=8)

    async def script(ask: Ask) -> None:
        for each in range(times):
            await anyio.sleep(5)
            night.tasks = 30 + each
            await ask("reload")

    summary = night.go(script, concurrency=2)
    assert summary.exit_code is ExitCode.OK
    assert len(night.calls) == 8
    assert summary.counts.pending == 30 + times - 1 - 8


def test_a_retry_flag_holds_on_and_takes_up_nothing_twice(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 6, lambda _: Answer(422, text="never"))
    assert night.run().exit_code is ExitCode.SOME_FAILED
    night.seen.clear()
    night.options = Options(retry={Retry.FAILED})

    async def script(ask: Ask) -> None:
        await anyio.sleep(2.5)
        await ask("reload")
        await ask("reload")

    summary = night.go(script)
    assert summary.exit_code is ExitCode.SOME_FAILED
    assert max(night.seen.values()) == 1
    assert len(night.seen) == 6
    agrees_with_status(night, summary)


def test_a_file_that_is_not_valid_changes_nothing(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 5, lambda _: slow(10))

    def broken(_: Job) -> Job:
        path = tmp_path / "job.yaml"
        raise JobFileError([Problem(path, 3, "rate", "wrong"), Problem(path, 7, "prompts", "bad")])

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        night.reread = broken
        with pytest.raises(UsageError) as refused:
            await ask("reload")
        assert "job.yaml:3" in refused.value.message
        assert "job.yaml:7" in refused.value.message
        assert (await ask("status")).total == 5
        night.reread = lambda job: job
        await ask("reload")

    summary = night.go(script)
    assert summary.exit_code is ExitCode.OK
    assert summary.counts.succeeded == 5


@pytest.mark.parametrize(
    "change",
    [
        {"name": "another"},
        {"output_dir": Path("/elsewhere")},
        {"provider": "segmind-v2"},
        {"model": "another"},
        {"bucket": "s3://x/y"},
    ],
)
def test_another_run_cannot_be_made_of_it(tmp_path: Path, change: dict[str, Any]) -> None:
    night = Controlled(tmp_path, 3, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(1)
        night.reread = lambda job: replace(job, **change)
        night.tasks = 5
        with pytest.raises(UsageError, match=r"cannot change its"):
            await ask("reload")

    summary = night.go(script)
    assert summary.exit_code is ExitCode.OK
    assert summary.counts.total == 3


def test_settings_of_the_file_apply_unless_they_were_set_by_hand(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 40, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(1)
        await ask("concurrency", 3)
        night.written = {
            "concurrency": 9,
            "rate": Rate(600, 60.0),
            "retry": {"attempts": 2, "outage": 9.0},
            "credits": CreditPolicy(cost=Decimal(1), budget=Decimal(90), gate=Gate.OFF),
            "timeout": 77.0,
        }
        now = await ask("reload")
        assert (now.concurrency, now.rate, now.budget) == (3, "600/minute", 90)
        assert now.next_run == ("timeout",)
        assert now.changed
        assert "concurrency stays" in now.changed
        assert "retry" in now.changed

    assert night.go(script, concurrency=5).exit_code is ExitCode.OK


def test_the_retries_of_the_file_apply(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 3, lambda _: slow(10))
    night.api = lambda call: Answer(500) if call.task == "t002" else slow(10)

    async def script(ask: Ask) -> None:
        await anyio.sleep(1)
        night.written = {"retry": {"attempts": 1}}
        await ask("reload")

    assert night.go(script).exit_code is ExitCode.SOME_FAILED
    assert night.seen["t002"] == 1
    assert RetryPolicy().attempts > 1


def test_a_paused_run_takes_rows_up_when_it_is_resumed(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 5, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(1)
        await ask("pause")
        night.tasks = 12
        await anyio.sleep(100)
        assert (await ask("reload")).state == "paused"
        await anyio.sleep(100)
        assert len(night.calls) == 1
        await ask("resume")

    summary = night.go(script)
    assert summary.counts.succeeded == 12
    agrees_with_status(night, summary)


def test_a_stop_after_reloads_leaves_what_status_says(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 20, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(25)
        night.tasks = names(*range(3, 40))
        night.rows["t003"] = edited(night, "t003")
        await ask("reload")
        await anyio.sleep(10)
        night.tasks = names(*range(50))
        await ask("reload")
        await ask("stop")

    summary = night.go(script, concurrency=4)
    assert summary.exit_code is ExitCode.SIGTERM
    state = look(night.job(**night.written))
    assert summary.counts == state.counts
    assert summary.counts.total == 50
