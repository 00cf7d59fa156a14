"""`pipeline costs`: what jobs have cost, in groups whose sums are those of `status`."""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.ledger.manifest import encode
from pipeline.models import CORRECTION, Cause, Record, Settled, Status, task_key
from sandbox.testing import Sandbox
from tests.cli.conftest import JOB, KEY, Command

pytestmark = pytest.mark.few(3)

PRICE, ZERO = Decimal("0.95"), Decimal(0)
NIGHT = "2026-03-01T23:30:00.000Z"  # already the 2nd of March in Berlin
NOON = "2026-02-28T12:00:00.000Z"


def record(task: str, **more: Any) -> Record:
    fields = {
        "task": task, "status": Status.SUCCEEDED, "model": "luma", "params": {}, "cost": PRICE,
        "fingerprint": "00", "started_at": NOON, "finished_at": NOON, "at_risk": ZERO,
    }  # fmt: skip
    return Record(**{**fields, **more})


def write_manifest(job: Path, *records: Record) -> Path:
    path = job.parent / "outputs" / job.stem / "manifest.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(encode, records)))
    return path


@pytest.fixture
def spent(job: Path) -> Path:
    """A job with something of everything: two months, two models, a correction and a doubt."""
    doubt = record(
        "c", status=Status.IN_DOUBT, cost=None, at_risk=PRICE, started_at=NIGHT, finished_at=NIGHT,
        reason=Cause.NO_ANSWER, account="acme",
    )  # fmt: skip
    write_manifest(
        job,
        record("a", meta={"channel": "web"}, account="acme"),
        record("b", meta={"channel": "tv"}, model="kling", started_at=NIGHT, finished_at=NIGHT),
        record("a", cost=Decimal("-0.15"), reason=CORRECTION, account="acme",
               meta={"channel": "web"}),
        doubt,
        record("d", status=Status.FAILED, cost=Decimal("0.10"), meta={"channel": 7}),
    )  # fmt: skip
    return job


def told(done: Any) -> dict[str, Any]:
    assert done.code == 0, done.err
    shown: dict[str, Any] = json.loads(done.out, parse_float=Decimal, parse_int=Decimal)
    return shown


def groups(pipeline: Command, *arguments: object) -> list[tuple[Any, ...]]:
    shown = told(pipeline("costs", *arguments, "--json", env={}))
    return [
        (*one["group"].values(), str(one["spent"]), str(one["at_risk"]), int(one["clips"]))
        for one in shown["groups"]
    ]


def test_a_job_that_never_ran_has_cost_nothing(pipeline: Command, job: Path) -> None:
    done = pipeline("costs", job, env={})

    assert done.code == 0
    figures = ["total", "0", "$0.00", "$0.00", "\N{EN DASH}", "0", "\N{EN DASH}"]
    assert done.out.splitlines()[-1].split() == figures
    assert list(job.parent.iterdir()) == [job]


def test_the_total_is_that_of_status_to_the_cent(
    pipeline: Command, spent: Path, sandbox: Sandbox
) -> None:
    pipeline("run", spent)
    total = told(pipeline("costs", spent, "--json", env={}))["total"]
    status = told(pipeline("status", spent, "--json", env={}))

    assert (total["spent"], total["at_risk"]) == (status["spent"], status["at_risk"])
    assert total["clips"] == 4
    assert total["cost_per_clip"] == total["spent"] / 4
    assert (total["kept"], total["cost_per_kept_clip"]) == (0, None)
    assert sandbox.url


def test_groups_by_model_account_and_meta(pipeline: Command, spent: Path) -> None:
    assert groups(pipeline, spent, "--by", "model") == [
        ("kling", "0.95", "0", 1),
        ("luma", "0.90", "0.95", 1),
    ]
    assert groups(pipeline, spent, "--by", "account") == [
        ("acme", "0.80", "0.95", 1),
        (None, "1.05", "0", 1),
    ]
    assert groups(pipeline, spent, "--by", "meta.channel") == [
        ("7", "0.10", "0", 0),
        ("tv", "0.95", "0", 1),
        ("web", "0.80", "0", 1),
        (None, "0", "0.95", 0),
    ]


def test_groups_by_time_are_those_of_the_schedule_s_zone(pipeline: Command, spent: Path) -> None:
    text = spent.read_text(encoding="utf-8")
    spent.write_text(
        text + "schedule: {window: 00:00-23:59, timezone: Europe/Berlin}\n", encoding="utf-8"
    )

    assert groups(pipeline, spent, "--by", "day") == [
        ("2026-02-28", "0.90", "0", 1),
        ("2026-03-02", "0.95", "0.95", 1),
    ]
    shown = pipeline("costs", spent, "--by", "month", env={})
    assert [line.split()[0] for line in shown.out.splitlines()[1:3]] == ["2026-02", "2026-03"]
    assert "Europe/Berlin" in shown.out


def test_without_a_schedule_days_are_local(
    pipeline: Command, spent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        days = [day for day, *_ in groups(pipeline, spent, "--by", "day")]
        said = pipeline("costs", spent, "--by", "day", env={}).out
    finally:
        monkeypatch.undo()
        time.tzset()

    assert days == ["2026-02-28", "2026-03-01"]
    assert "local time" in said


def test_a_correction_counts_on_the_day_of_its_attempt(pipeline: Command, job: Path) -> None:
    late = {"started_at": NOON, "finished_at": "2026-03-20T12:00:00.000Z"}
    write_manifest(
        job,
        record("a", status=Status.IN_DOUBT, cost=None, at_risk=PRICE),
        record("a", status=Status.FAILED, cost=ZERO, at_risk=-PRICE,
               settled=Settled.NOT_BILLED, **late),
    )  # fmt: skip

    assert groups(pipeline, job, "--by", "day") == [("2026-02-28", "0", "0.00", 0)]


def test_two_dimensions_are_groups_within_groups(pipeline: Command, spent: Path) -> None:
    found = groups(pipeline, spent, "--by", "account", "--by", "model")

    assert [key[:2] for key in found] == [("acme", "luma"), (None, "kling"), (None, "luma")]


def test_several_jobs_add_up_and_one_that_is_named_twice_counts_once(
    pipeline: Command, spent: Path
) -> None:
    other = spent.with_name("other.yaml")
    other.write_text(JOB, encoding="utf-8")
    write_manifest(other, record("z", model="kling"))

    assert groups(pipeline, spent, other, spent, "--by", "model") == [
        ("kling", "1.90", "0", 2),
        ("luma", "0.90", "0.95", 1),
    ]


def test_what_a_killed_run_left_is_at_risk_as_in_status(pipeline: Command, spent: Path) -> None:
    folder = spent.parent / "outputs" / "job" / ".inflight"
    folder.mkdir()
    name = f"{task_key('e')}.aaaaaa.1"
    claim = {
        "task": "e", "fingerprint": "00", "model": "luma", "params": {}, "meta": {}, "price": 0.5,
        "attempt": 1, "output": "e", "started_at": NOON, "account": "acme", "format": 3,
        "part": f"{name}.part", "sent": True,
    }  # fmt: skip
    (folder / f"{name}.json").write_text(
        json.dumps(claim, separators=(",", ":")) + "\n", encoding="utf-8"
    )

    found = told(pipeline("costs", spent, "--by", "account", "--json", env={}))
    status = told(pipeline("status", spent, "--json", env={}))

    assert found["total"]["at_risk"] == status["at_risk"] == Decimal("1.45")
    assert found["groups"][0]["at_risk"] == Decimal("1.45")


def test_a_clip_that_was_rendered_again_is_one_clip(pipeline: Command, job: Path) -> None:
    write_manifest(job, record("a"), record("a", fingerprint="11", started_at=NIGHT))

    assert groups(pipeline, job, "--by", "model") == [("luma", "1.90", "0", 1)]


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (("--by", "week"), "meta.KEY"),
        (("--by", "meta."), "meta.KEY"),
        (("--by", "day", "--by", "model", "--by", "account"), "2 times"),
        (("--output", "out", "other.yaml"), "one job"),
        (("missing.yaml",), "missing.yaml"),
    ],
)
def test_bad_usage_is_refused(
    pipeline: Command, job: Path, flags: tuple[str, ...], part: str
) -> None:
    done = pipeline("costs", job, *flags, env={})

    assert done.code == 2
    assert part in done.err


def test_another_directory_can_be_named_for_one_job(pipeline: Command, spent: Path) -> None:
    (spent.parent / "outputs" / "job").rename(spent.parent / "elsewhere")

    assert told(pipeline("costs", spent, "--output", "elsewhere", "--json"))["total"]["clips"] == 2


def test_a_manifest_of_the_first_version_is_read(pipeline: Command, job: Path) -> None:
    path = write_manifest(job)
    path.write_text(
        '{"task":"a","status":"succeeded","model":"luma","params":{},"fingerprint":"00","meta":{},'
        '"output":"a.mp4","cost":0.95,"at_risk":0,"started_at":"2026-01-01T00:00:00.000Z",'
        '"finished_at":"2026-01-01T00:01:00.000Z"}\n',
        encoding="utf-8",
    )

    assert groups(pipeline, job, "--by", "account") == [(None, "0.95", "0", 1)]


def test_a_manifest_that_cannot_be_read_is_refused_as_by_status(
    pipeline: Command, spent: Path
) -> None:
    path = spent.parent / "outputs" / "job" / "manifest.jsonl"
    path.write_bytes(b"?\n" + path.read_bytes())

    assert pipeline("costs", spent, env={}).code == pipeline("status", spent, env={}).code == 2


def test_strange_names_steer_no_terminal(pipeline: Command, job: Path) -> None:
    write_manifest(job, record("a", meta={"k": "\x1b[31m\nred" * 50}), record("b", started_at="?"))

    shown = pipeline("costs", job, "--by", "meta.k", "--by", "day", env={})

    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert len(shown.out.splitlines()) == 6
    assert KEY not in shown.out
