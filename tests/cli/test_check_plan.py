"""`check`: a plan can be read before it is paid, and says what would go wrong with it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.models import fingerprint, task_key
from sandbox.testing import Sandbox
from tests.cli.conftest import KEY, Command

pytestmark = pytest.mark.few(1)

LONG = "An old wizard stands in a tower full of books and candles and looks out of the window at "


def write(path: Path, **keys: Any) -> Path:
    path.write_text(json.dumps({"model": "luma-txt-2-video", **keys}, indent=1), encoding="utf-8")
    return path


def tasks(pipeline: Command, job: Path, *flags: str) -> list[dict[str, Any]]:
    plan = json.loads(pipeline("check", job, "--json", *flags).out)
    assert len(plan["tasks"]) == plan["to_do"]
    told: list[dict[str, Any]] = plan["tasks"]
    return told


def test_each_task_to_do_is_whole_in_the_json(pipeline: Command, tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text("id,prompt\na,a cat\nb,a dog\n", encoding="utf-8")
    job = write(tmp_path / "job.yaml", prompts_from="plan.csv", params={"loop": True})
    first, second = tasks(pipeline, job)
    assert first["output"].startswith("a-")
    del first["output"]
    assert first == {
        "task": "a", "prompt": "a cat", "params": {"prompt": "a cat", "loop": True},
        "price": 0.95, "line": "plan.csv:2", "reason": "new", "inputs": {}, "changed": {},
    }  # fmt: skip
    assert second["line"] == "plan.csv:3"


def test_what_changed_is_told_old_and_new(pipeline: Command, tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    before = {"id": "w", "prompt": LONG + "the rain", "params": {"aspect_ratio": "16:9"}}
    write(job, prompts=[before])
    assert pipeline("run", job, "--no-report").code == 0
    write(job, prompts=[{"id": "w", "prompt": LONG + "the snow", "params": {"loop": True}}])
    (task,) = tasks(pipeline, job)
    assert task["reason"] == "changed"
    assert task["changed"] == {
        "prompt": [LONG + "the rain", LONG + "the snow"],
        "aspect_ratio": ["16:9", None],
        "loop": [False, True],
    }
    words = pipeline("check", job).out
    for part in ("at the [rain → snow]", "aspect_ratio: 16:9 → nothing", "loop: false → true"):
        assert part in words


@pytest.mark.variant
def test_a_very_long_value_that_did_not_change_is_not_told(
    pipeline: Command, tmp_path: Path
) -> None:
    job, picture = tmp_path / "job.yaml", {"image": "A" * 2_000_000}
    with Sandbox(latency=0, clips="tiny", models=["*"]) as api:
        env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": api.url}
        write(job, model="other", prompts=[{"id": "w", "prompt": "rain", "params": picture}])
        assert pipeline("run", job, "--no-report", env=env).code == 0
    write(job, model="other", prompts=[{"id": "w", "prompt": "snow", "params": picture}])
    (task,) = tasks(pipeline, job)
    assert task["changed"] == {"prompt": ["rain", "snow"]}
    assert task["params"]["image"] == picture["image"]
    assert len(pipeline("check", job).out) < 2_000


def test_people_see_file_line_first_words_and_parameters(pipeline: Command, tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(
        "model: luma-txt-2-video\nmatrix: {aspect_ratio: [16:9, 9:16]}\nprompts:\n"
        f"  - A harbour in the morning\n  - {LONG}the sea\n",
        encoding="utf-8",
    )
    words = pipeline("check", job).out
    assert "a-harbour-in-the-morning-9-16-" in words
    assert "(job.yaml:4): A harbour in the morning  [loop: false, aspect_ratio: 9:16]" in words
    assert "(job.yaml:5): An old wizard stands in a tower full of books and candles …" in words
    assert "~" not in words


def test_check_shows_the_first_of_each_kind_and_all_on_request(
    pipeline: Command, tmp_path: Path
) -> None:
    job = write(tmp_path / "job.yaml", prompts=[f"clip number {n}" for n in range(40)])
    few, every = pipeline("check", job).out, pipeline("check", job, "--all").out
    assert few.count(": clip number ") == 5
    assert "… and 35 more" in few
    assert "--all" in few
    assert every.count(": clip number ") == 40
    assert "more" not in every


def test_what_a_run_would_take_up_again_is_planned_with_its_reason(
    pipeline: Command, tmp_path: Path
) -> None:
    prompts = [{"id": "ok", "prompt": "fine"}, {"id": "bad", "prompt": "[[fail moderation]]"}]
    job = write(tmp_path / "job.yaml", prompts=prompts)
    assert pipeline("run", job, "--no-report").code == 1
    next((tmp_path / "outputs" / "job").glob("ok-*.mp4")).unlink()
    assert tasks(pipeline, job) == []
    again = tasks(pipeline, job, "--retry", "failed", "--retry", "missing")
    assert [(task["task"], task["reason"]) for task in again] == [
        ("ok", "missing"), ("bad", "failed"),
    ]  # fmt: skip
    words = pipeline("check", job).out
    assert "bad-" in words
    assert "ok-" in words


def test_what_waits_at_the_provider_is_counted_apart_from_what_is_in_doubt(
    pipeline: Command, tmp_path: Path
) -> None:
    job = write(tmp_path / "job.yaml", prompts=[{"id": i, "prompt": f"a {i}"} for i in "abc"])
    claims = tmp_path / "outputs" / "job" / ".inflight"
    claims.mkdir(parents=True)
    for task in tasks(pipeline, job)[:2]:
        claim = {
            "task": task["task"], "model": "luma-txt-2-video", "params": task["params"],
            "fingerprint": fingerprint("luma-txt-2-video", task["params"]), "meta": {},
            "price": 0.95, "attempt": 1, "output": task["output"],
            "started_at": "2026-01-01T00:00:00.000Z",
        }  # fmt: skip
        if task["task"] == "a":
            claim |= {"provider": "segmind-v2", "handle": {"id": "r-1"}}
        text = json.dumps({**claim, "sent": True}, separators=(",", ":"))
        (claims / f"{task_key(task['task'])}.json").write_text(text, encoding="utf-8")
    plan = json.loads(pipeline("check", job, "--json").out)
    assert (plan["accepted"], plan["in_doubt"], plan["to_do"], plan["at_risk"]) == (1, 1, 1, 0.95)
    words = pipeline("check", job).out
    assert "1  waiting at the provider: a run asks for them" in words
    assert "1  in doubt, perhaps paid for; a run looks for them at the provider" in words
    state = json.loads(pipeline("status", job, "--json").out)
    assert (state["accepted"], state["in_doubt"], state["pending"]) == (1, 1, 1)
    assert "  accepted         1  waiting at the provider" in pipeline("status", job).out


def test_tasks_that_left_the_job_are_named_by_their_files(
    pipeline: Command, tmp_path: Path
) -> None:
    job = write(tmp_path / "job.yaml", prompts=["a pier in fog", "a boat"])
    assert pipeline("run", job, "--no-report").code == 0
    write(job, prompts=["a boat"])
    words = pipeline("check", job).out
    assert "a-pier-in-fog-" in words
    assert "(a pier in fog)" in words


def test_a_budget_below_the_plan_is_told_before_the_run(pipeline: Command, tmp_path: Path) -> None:
    job = write(tmp_path / "job.yaml", prompts=["a", "b", "c"], credits={"budget": 2})
    told = "the budget leaves $2.00, and this plan costs about $2.85"
    done = pipeline("check", job)
    assert done.code == 0
    assert told in done.out
    asked = pipeline("check", job, "--balance")
    assert asked.code == 3
    run = pipeline("run", job, "--no-report")
    assert run.code == 3
    assert told in run.err
    assert pipeline("check", job, "--balance").code == 3  # one is left, and no money for it
    write(job, prompts=["a", "b"], credits={"budget": 2})
    assert pipeline("check", job, "--balance").code == 0


def test_check_with_a_key_that_is_refused_ends_as_the_run_would(
    pipeline: Command, job: Path
) -> None:
    with Sandbox(latency=0, clips="tiny", key="another-key-0123456789") as api:
        env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": api.url}
        checked = pipeline("check", job, "--balance", env=env)
        assert checked.code == pipeline("run", job, env=env).code == 4
    assert "refuses the key" in checked.err


def test_a_balance_of_nothing_covers_no_price_however_unknown(
    pipeline: Command, tmp_path: Path
) -> None:
    job = write(tmp_path / "job.yaml", model="model-without-a-price", prompts=["a"])
    with Sandbox(latency=0, clips="tiny", credits=0) as poor:
        assert pipeline("check", job, "--balance", "--base-url", poor.url).code == 3


def test_a_timeout_below_what_the_model_takes_is_told(pipeline: Command, tmp_path: Path) -> None:
    job = write(tmp_path / "job.yaml", prompts=["a"], timeout=30)
    told = "timeout: 30 s is less than a task of luma-txt-2-video takes, 62 s"
    assert told in pipeline("check", job).out
    assert told in pipeline("run", job).err
    # By now it is known that here they take less.
    write(job, prompts=["a", "b"], timeout=30)
    assert "less than" not in pipeline("check", job).out


def test_how_long_another_model_takes_is_not_guessed(pipeline: Command, tmp_path: Path) -> None:
    job = write(tmp_path / "job.yaml", model="some-other-model", prompts=["a"])
    assert "is not known yet" in pipeline("check", job).out
    assert json.loads(pipeline("check", job, "--json").out)["seconds"] is None


def test_messages_that_could_not_be_sent_are_told(
    pipeline: Command,
    pipeline_process: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = write(tmp_path / "job.yaml", prompts=["a"], notify={"to": ["NOBODY", "WRONG"]})
    done = pipeline_process("check", job, env={"WRONG": "no-service://secret-token"})
    assert "NOBODY is not set" in done.out
    assert "WRONG is not an address" in done.out
    assert "secret" not in done.out + done.err
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert "the extra `notify` is not installed" in pipeline("check", job).out


def test_the_limits_of_the_account_are_shown_with_where_they_are_from(
    pipeline: Command, tmp_path: Path
) -> None:
    job = write(
        tmp_path / "job.yaml",
        prompts=["a"],
        account={"concurrency": 20, "day": 50, "key": "SEGMIND_API_KEY_ACME", "name": "acme"},
        schedule={"window": "00:00-23:59", "timezone": "Europe/Berlin"},
        priority=7,
    )
    env = {"PIPELINE_ACCOUNT_MONTH": "600", "PIPELINE_ACCOUNT_RATE": "60/minute"}

    shown = pipeline("check", job, env=env).out
    account = json.loads(pipeline("check", job, "--json", env=env).out)["account"]

    assert (
        "20 requests in flight, 60/minute (PIPELINE_ACCOUNT_RATE), $50.00 a day,"
        " $600.00 a month (PIPELINE_ACCOUNT_MONTH)." in shown
    )
    assert "Days and months are those of Europe/Berlin." in shown
    assert "The key in SEGMIND_API_KEY_ACME goes to" in shown
    assert account == {
        "shared": True, "name": "acme", "key": "SEGMIND_API_KEY_ACME", "concurrency": 20,
        "rate": "60/minute", "day": 50, "month": 600, "timezone": "Europe/Berlin",
        "from_environment": ["PIPELINE_ACCOUNT_MONTH", "PIPELINE_ACCOUNT_RATE"], "priority": 7,
    }  # fmt: skip


def test_without_a_schedule_the_days_of_a_limit_are_local(
    pipeline: Command, tmp_path: Path
) -> None:
    job = write(tmp_path / "job.yaml", prompts=["a"], account={"day": 0})

    assert "$0.00 a day." in pipeline("check", job).out
    assert "local time" in pipeline("check", job).out


@pytest.mark.parametrize("by", ["the job", "PIPELINE_ACCOUNT=off"])
def test_a_run_that_is_alone_says_by_whose_word(pipeline: Command, tmp_path: Path, by: str) -> None:
    job = write(tmp_path / "job.yaml", prompts=["a"], **({} if "=" in by else {"account": False}))
    shown = pipeline("check", job, env=dict([by.split("=")]) if "=" in by else {}).out

    assert "Account: off" in shown
    assert by in shown
