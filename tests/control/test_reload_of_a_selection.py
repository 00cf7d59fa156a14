"""A job file that is edited while a run with `--only` or `--again` continues, on virtual time."""

from pathlib import Path

import anyio
import pytest
from support.controlled import Ask, Controlled
from support.night import Answer, Call

from pipeline.errors import ExitCode, UsageError
from pipeline.ledger.selection import Selection
from pipeline.models import fingerprint
from pipeline.runtime.options import Options


def slow(_: Call) -> Answer:
    return Answer(200, body=b"clip", seconds=10)


def edit(night: Controlled, *names: str) -> None:
    for name in names:
        params = {"prompt": f"{name}, edited"}
        night.rows[name] = {
            "params": params,
            "fingerprint": fingerprint("luma-txt-2-video", params),
        }


def rendered(tmp_path: Path, tasks: int) -> Controlled:
    """Make a job whose clips are there."""
    night = Controlled(tmp_path, tasks, slow)
    assert night.run(concurrency=tasks).exit_code is ExitCode.OK
    return night


@pytest.mark.parametrize("limit", [None, 3])
def test_a_reload_leaves_what_an_again_has_rendered_and_the_note_of_what_is_left(
    tmp_path: Path, limit: int | None
) -> None:
    night = rendered(tmp_path, 6)
    again = Selection(again=("*",))
    night.options = Options(select=again, limit=limit)
    note, alone = tmp_path / "out" / ".again.json", night.control

    async def script(ask: Ask) -> None:
        await anyio.sleep(15)  # one has ended, another is in flight
        edit(night, "t000", "t001", "t004")
        await ask("reload")
        await ask("reload")

    summary = night.go(script, concurrency=1)
    assert "2 changed in the job after they were sent" in summary.detail
    assert sum(night.seen.values()) == 6 + (limit or 6)
    assert max(night.seen.values()) == 2
    assert note.exists() is (limit is not None)
    night.control = alone
    if limit is not None:  # the same command renders what is left, and what was edited since
        assert night.run(options=Options(select=again)).exit_code is ExitCode.OK
        assert sum(night.seen.values()) == 6 + 6 + 2
        assert not note.exists()
    assert night.records["t004"].params == {"prompt": "t004, edited"}


def test_a_reload_takes_up_only_what_was_named(tmp_path: Path) -> None:
    night = rendered(tmp_path, 4)
    edit(night, "t000", "t001")
    night.options = Options(select=Selection(only=("t00[0-2]", "new-*")))
    night.tasks = ["t000", "t001", "t002", "t003", "new-1"]

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)  # t000 is in flight
        edit(night, "t002", "t003")
        night.tasks = ["t000", "t001", "t002", "t003", "new-1", "new-2", "other"]
        now = await ask("reload")
        assert now.changed
        assert "2 joined, 0 left, 0 changed" in now.changed

    assert night.go(script, concurrency=1).exit_code is ExitCode.OK
    assert night.seen == {"t000": 2, "t001": 2, "t002": 2, "t003": 1, "new-1": 1, "new-2": 1}


def test_a_reload_in_which_a_name_means_no_task_is_refused(tmp_path: Path) -> None:
    night = rendered(tmp_path, 3)
    night.options = Options(select=Selection(again=("t000", "t001")))

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        night.tasks = ["t000", "t002", "new"]
        with pytest.raises(UsageError, match="'t001'"):
            await ask("reload")

    assert night.go(script, concurrency=1).exit_code is ExitCode.OK
    assert night.seen == {"t000": 2, "t001": 2, "t002": 1}
