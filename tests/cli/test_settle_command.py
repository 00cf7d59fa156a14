"""`settle`: the provider is asked what became of a doubt, or a person says it, once."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.command import eventually

from pipeline.models import task_key
from sandbox.testing import Sandbox
from tests.cli.conftest import KEY, Command, Run

pytestmark = pytest.mark.few(4)

JOB = """\
model: luma-txt-2-video
prompts:
  - {id: one, prompt: "a lighthouse [[fail reset x1]]"}
  - {id: two, prompt: "a harbour [[fail reset x1]]"}
  - {id: three, prompt: a pier}
concurrency: 3
retry: {wait: 0.05}
credits: {cost: 0.95}
"""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(latency=0.02, clips="tiny", credits=1000, history="missing") as served:
        yield served


class Doubts:
    """A job of which two of three tasks are in doubt, as the history could not be read."""

    def __init__(self, folder: Path, box: Sandbox, command: Command) -> None:
        self.job, self.box, self._command = folder / "job.yaml", box, command
        self.out = folder / "outputs" / "job"
        self.env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": box.url}

    def pipeline(self, *arguments: object, env: dict[str, str] | None = None) -> Run:
        return self._command(*arguments, env=self.env if env is None else env)

    def settle(self, *arguments: object, env: dict[str, str] | None = None) -> Run:
        return self.pipeline("settle", self.job, *arguments, env=env)

    def status(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.pipeline("status", self.job, "--json").out)
        return state

    @property
    def manifest(self) -> bytes:
        return (self.out / "manifest.jsonl").read_bytes()

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line, parse_float=Decimal) for line in self.manifest.splitlines()]

    def last(self, task: str) -> dict[str, Any]:
        return next(record for record in reversed(self.records) if record["task"] == task)


@pytest.fixture
def doubts(tmp_path: Path, box: Sandbox, pipeline: Command) -> Doubts:
    (tmp_path / "job.yaml").write_text(JOB, encoding="utf-8")
    made = Doubts(tmp_path, box, pipeline)
    assert made.pipeline("run", made.job, "--no-report").code == 1
    assert made.status()["in_doubt"] == 2
    return made


# -- asking --------------------------------------------------------------------------------------


def test_what_the_provider_lists_is_taken_in_and_counted_once(doubts: Doubts) -> None:
    doubts.box.change(history="json")
    done = doubts.settle()
    assert (done.code, "nothing is in doubt" in done.out) == (0, True)
    found = doubts.last("one")
    assert (found["status"], found["settled"]) == ("succeeded", "found")
    assert (found["cost"], found["at_risk"]) == (Decimal("0.95"), Decimal("-0.95"))
    assert (doubts.out / found["output"]).stat().st_size == found["bytes"]
    state, books = doubts.status(), doubts.box.books()
    assert (state["succeeded"], state["in_doubt"], state["at_risk"]) == (3, 0, 0)
    assert Decimal(str(state["spent"])) == Decimal(books["charged"]) == Decimal("2.85")
    before = doubts.manifest
    assert doubts.settle().code == 0
    assert doubts.manifest == before


@pytest.mark.variant
def test_what_the_provider_lists_as_failed_was_not_charged(doubts: Doubts) -> None:
    text = doubts.job.read_text(encoding="utf-8")
    more = '  - {id: mill, prompt: "a mill [[fail failed]]"}\nconcurrency'
    doubts.job.write_text(text.replace("concurrency", more), encoding="utf-8")
    doubts.pipeline("run", doubts.job, "--no-report")
    lost = {**doubts.last("mill"), "status": "in_doubt", "at_risk": 0.95, "request_id": None}
    kept = [line for line in doubts.manifest.splitlines() if b'"mill"' not in line]
    lines = [*kept, json.dumps(lost, default=float).encode()]
    (doubts.out / "manifest.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    doubts.box.change(history="json")
    done = doubts.settle()
    assert (done.code, doubts.status()["at_risk"]) == (0, 0)
    assert any(line.startswith("found: mill") and "fail" in line for line in done.err.splitlines())
    found = doubts.last("mill")
    assert (found["status"], found["settled"], found["cost"]) == ("failed", "found", 0)


@pytest.mark.variant
def test_what_is_not_listed_stays_in_doubt_and_no_record_is_written(doubts: Doubts) -> None:
    before = doubts.manifest
    done = doubts.settle()
    assert done.code == 1
    lines = done.out.splitlines()
    one = doubts.last("one")
    sent = one["started_at"].partition(".")[0].replace("T", " ")
    assert any(line.split()[0] == "one" and sent in line and "$0.95" in line for line in lines)
    assert any(line.startswith("two") for line in lines)
    assert not any(line.startswith("three") for line in lines)
    assert "--billed" in done.err
    assert doubts.manifest == before
    assert doubts.box.books()["posts"] == 3


@pytest.mark.variant
def test_settle_json_lists_what_is_still_in_doubt(doubts: Doubts) -> None:
    told = json.loads(doubts.settle("--json").out)
    assert (told["in_doubt"], told["at_risk"], told["accepted"]) == (2, 1.9, 0)
    assert [task["task"] for task in told["tasks"]] == ["one", "two"]


@pytest.mark.variant
def test_settle_sends_no_task_that_is_still_to_do(doubts: Doubts) -> None:
    text = doubts.job.read_text(encoding="utf-8")
    more = "  - {id: four, prompt: a bridge}\nconcurrency"
    doubts.job.write_text(text.replace("concurrency", more), encoding="utf-8")
    doubts.box.change(history="json")
    assert doubts.settle().code == 0
    assert (doubts.status()["succeeded"], doubts.status()["pending"]) == (3, 1)
    assert doubts.box.books()["posts"] == 3


def test_asking_needs_a_key_and_what_nobody_doubts_needs_none(doubts: Doubts) -> None:
    refused = doubts.settle(env={})
    assert (refused.code, "SEGMIND_API_KEY" in refused.err) == (2, True)
    doubts.settle("--not-billed", "one", "two")
    assert doubts.settle(env={}).code == 0


def test_a_job_that_never_ran_has_nothing_in_doubt_and_no_directory_is_made(
    tmp_path: Path, pipeline: Command, job: Path
) -> None:
    done = pipeline("settle", job, env={})
    assert (done.code, "nothing is in doubt" in done.out) == (0, True)
    assert list(tmp_path.iterdir()) == [job]


# -- words ---------------------------------------------------------------------------------------


@pytest.mark.variant
def test_billed_is_a_correcting_record_without_key_and_network(doubts: Doubts) -> None:
    done = doubts.settle("--billed", "one", env={})
    assert done.code == 1  # the other one is still in doubt
    assert not any(line.startswith("one") for line in done.out.splitlines())
    doubt, record = [r for r in doubts.records if r["task"] == "one"]
    assert (record["status"], record["settled"]) == ("failed", "billed")
    assert (record["cost"], record["at_risk"]) == (Decimal("0.95"), Decimal("-0.95"))
    assert record["started_at"] == doubt["started_at"]
    state = doubts.status()
    assert (state["failed"], state["in_doubt"]) == (1, 1)
    assert (state["spent"], state["at_risk"]) == (1.9, 0.95)
    doubts.pipeline("run", doubts.job, "--no-report")
    assert doubts.box.books()["posts"] == 3  # it is not sent again unasked


@pytest.mark.variant
def test_not_billed_frees_the_money_and_a_plain_run_takes_the_task_up(doubts: Doubts) -> None:
    assert doubts.settle("--not-billed", "one", "two", env={}).code == 0
    record = doubts.last("one")
    assert (record["status"], record["settled"]) == ("failed", "not_billed")
    assert (record["cost"], record["at_risk"]) == (0, Decimal("-0.95"))
    assert doubts.status()["at_risk"] == 0
    assert doubts.pipeline("run", doubts.job, "--no-report").code == 0
    assert doubts.box.books()["posts"] == 5
    assert doubts.status()["succeeded"] == 3


@pytest.mark.variant
def test_a_second_other_word_is_refused_and_names_the_first(doubts: Doubts) -> None:
    doubts.settle("--billed", "one")
    before = doubts.manifest
    refused = doubts.settle("--not-billed", "one")
    assert refused.code == 2
    assert "one" in refused.err
    assert "billed" in refused.err.replace("--not-billed", "")
    assert doubts.manifest == before


@pytest.mark.variant
def test_the_same_word_again_is_no_error_and_writes_nothing(doubts: Doubts) -> None:
    doubts.settle("--billed", "one")
    before = doubts.manifest
    done = doubts.settle("--billed", "one", env={})
    assert (done.code, "said before" in done.err) == (1, True)
    assert doubts.manifest == before


@pytest.mark.variant
def test_the_table_is_readable_whatever_a_copied_manifest_holds(doubts: Doubts) -> None:
    record = doubts.last("one")
    strange = ["\x1b[31mred", "\u202ereversed", "x" * 5000]
    with (doubts.out / "manifest.jsonl").open("a", encoding="utf-8") as file:
        for name in strange:
            line = {**record, "task": name, "request_id": "id\n\x07" + name[:9]}
            file.write(json.dumps(line, default=float) + "\n")
    done = doubts.settle()
    lines = done.out.splitlines()
    assert done.code == 1
    assert len(lines) == 1 + 2 + len(strange)
    assert all(line.isprintable() for line in lines)
    assert sum(len(line) for line in lines) < 6000


@pytest.mark.variant
@pytest.mark.parametrize(
    "words",
    [
        ["--billed", "one", "--not-billed", "one"],
        ["--billed", "three"],
        ["--billed", "one", "nothing-like-it"],
        ["--not-billed", "t*", "three"],
        ["--billed", ""],
        ["--billed", "one", "--from", "job.yaml"],
    ],
)
def test_words_that_cannot_all_be_true_are_refused_whole(doubts: Doubts, words: list[str]) -> None:
    before = doubts.manifest
    assert doubts.settle(*words).code == 2
    assert doubts.manifest == before


def test_a_task_of_another_name_gets_the_nearest(doubts: Doubts) -> None:
    refused = doubts.settle("--billed", "tow")
    assert "did you mean two?" in refused.err


@pytest.mark.variant
def test_words_take_ids_patterns_and_several_tasks(doubts: Doubts) -> None:
    done = doubts.settle("--billed", "one", "--not-billed", "t?o")
    assert done.code == 0
    assert doubts.last("one")["settled"] == "billed"
    assert doubts.last("two")["settled"] == "not_billed"


@pytest.mark.variant
def test_what_a_killed_run_left_is_a_doubt_like_the_others(doubts: Doubts) -> None:
    record = doubts.last("three")
    claim = {
        "task": "three", "fingerprint": record["fingerprint"], "model": record["model"],
        "params": {"prompt": "a pier", "loop": False}, "meta": {}, "price": 0.95, "attempt": 1,
        "output": "three", "started_at": "2026-01-01T00:00:00.000Z",
    }  # fmt: skip
    claims = doubts.out / ".inflight" / f"{task_key('three')}.json"
    claims.write_text(json.dumps(claim), encoding="utf-8")
    assert any(line.startswith("three") for line in doubts.settle().out.splitlines())
    assert doubts.settle("--not-billed", "three", env={}).code == 1
    assert not claims.exists()
    assert doubts.status()["in_doubt"] == 2


@pytest.mark.variant
def test_during_a_run_everything_is_refused(doubts: Doubts) -> None:
    job = doubts.job.read_text(encoding="utf-8")
    slow = '  - {id: slow, prompt: "slow [[latency 30]]"}\nconcurrency'
    doubts.job.write_text(job.replace("concurrency", slow), encoding="utf-8")
    command = [sys.executable, "-m", "pipeline", "run", str(doubts.job)]
    env = {**os.environ, **doubts.env}
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as running:
        eventually(lambda: doubts.status()["running"] and doubts.status()["in_flight"])
        refused = [doubts.settle(), doubts.settle("--billed", "one")]
        running.kill()
    assert [(run.code, "in use" in run.err) for run in refused] == [(2, True)] * 2
    assert "settled" not in str([r for r in doubts.records if r.get("settled")])


# -- a list that a person has exported -----------------------------------------------------------


def exported(doubts: Doubts, *rows: tuple[str, str, str, str]) -> Path:
    """Write a list as the account's page exports it: id, prompt, status, cost."""
    path = doubts.job.with_name("usage.csv")
    began = {record["task"]: record["started_at"] for record in doubts.records}
    prompts = {record["params"]["prompt"]: record for record in doubts.records}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Request ID", "Model", "Status", "Cost", "Created", "Request body"])
        for name, task, status, cost in rows:
            params = next(r["params"] for r in prompts.values() if r["task"] == task)
            at, body = began[task], json.dumps(params)
            writer.writerow([name, "luma-txt-2-video", status, cost, at, body])
    return path


def test_an_exported_list_settles_what_it_explains_without_a_key(doubts: Doubts) -> None:
    rows = [("r-1", "one", "Completed", "$0.95"), ("r-2", "two", "Failed", "$0.00")]
    done = doubts.settle("--from", exported(doubts, *rows), env={})
    assert done.code == 0
    one, two = doubts.last("one"), doubts.last("two")
    assert (one["settled"], one["cost"], one["request_id"]) == ("billed", Decimal("0.95"), "r-1")
    assert (two["status"], two["settled"], two["cost"]) == ("failed", "found", 0)
    state = doubts.status()
    assert (state["spent"], state["at_risk"]) == (1.9, 0)


@pytest.mark.variant
def test_with_a_key_what_an_exported_list_explains_is_fetched(doubts: Doubts) -> None:
    ids = {entry["prompt"]: entry["request_id"] for entry in doubts.box.requests()}
    name = next(id_ for prompt, id_ in ids.items() if prompt.startswith("a lighthouse"))
    rows = [(name, "one", "Completed", "0.95")]
    doubts.box.change(history="json")
    done = doubts.settle("--from", exported(doubts, *rows))
    assert done.code == 0, done.err  # and the provider was asked about the other one
    assert doubts.last("one")["status"] == doubts.last("two")["status"] == "succeeded"
    assert doubts.status()["at_risk"] == 0


@pytest.mark.variant
def test_a_file_that_is_no_list_is_refused_and_nothing_is_written(doubts: Doubts) -> None:
    before = doubts.manifest
    wrong = doubts.job.with_name("wrong.csv")
    wrong.write_text("a,b\n1,2\n", encoding="utf-8")
    for file in (wrong, doubts.job.with_name("missing.csv"), doubts.job.parent):
        assert doubts.settle("--from", file, env={}).code == 2
    assert doubts.manifest == before


# -- segmind-v2 ----------------------------------------------------------------------------------


@pytest.mark.variant
def test_settle_waits_for_what_was_accepted_and_is_not_in_doubt(
    tmp_path: Path, box: Sandbox, pipeline: Command
) -> None:
    path = tmp_path / "job.yaml"
    prompts = '  - {id: slow, prompt: "slow [[latency 3]]"}\n'
    path.write_text(
        f"model: luma-txt-2-video\nprovider: segmind-v2\npoll: 0.1\npatience: 0.3\n"
        f"credits: {{cost: 0.95}}\nprompts:\n{prompts}",
        encoding="utf-8",
    )
    waiting = Doubts(tmp_path, box, pipeline)
    assert waiting.pipeline("run", path, "--no-report").code == 1
    assert waiting.status()["accepted"] == 1
    done = waiting.settle()  # nothing is in doubt; it still waits
    assert (done.code, "1 waiting at the provider" in done.err) == (0, True)
    path.write_text(path.read_text(encoding="utf-8").replace("0.3", "60"), encoding="utf-8")
    done = waiting.settle()
    assert (done.code, waiting.status()["succeeded"]) == (0, 1)
    assert "fetched: slow" in done.err
    assert box.books()["posts"] == 1


@pytest.mark.variant
def test_ctrl_c_ends_settle_at_once_and_what_was_accepted_stays_so(
    tmp_path: Path, box: Sandbox, pipeline: Command
) -> None:
    path = tmp_path / "job.yaml"
    text = 'prompts:\n  - {id: slow, prompt: "slow [[latency 60]]"}\ncredits: {cost: 0.95}\n'
    wire = "provider: segmind-v2\npoll: 0.1\npatience: 0.2\n"
    path.write_text(f"model: luma-txt-2-video\n{wire}{text}", encoding="utf-8")
    waiting = Doubts(tmp_path, box, pipeline)
    waiting.pipeline("run", path, "--no-report")
    path.write_text(path.read_text(encoding="utf-8").replace("0.2", "60"), encoding="utf-8")
    asked = sum(box.books()["questions"].values())
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "settle", str(path)],
        env={**os.environ, **waiting.env}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True,
    ) as settling:  # fmt: skip
        eventually(lambda: sum(box.books()["questions"].values()) > asked + 1)
        settling.send_signal(signal.SIGINT)
        _, said = settling.communicate(timeout=20)
    assert settling.returncode == 130
    assert "1 waiting at the provider: the next run asks for them" in said
    assert "in flight" not in said
    assert (waiting.status()["accepted"], waiting.status()["in_doubt"]) == (1, 0)


@pytest.mark.variant
def test_settle_asks_for_what_was_accepted_whatever_the_job_says_now(
    tmp_path: Path, box: Sandbox, pipeline: Command
) -> None:
    path = tmp_path / "job.yaml"
    text = 'prompts:\n  - {id: slow, prompt: "slow [[latency 1]]"}\ncredits: {cost: 0.95}\n'
    wire = "provider: segmind-v2\npoll: 0.1\npatience: 0.2\n"
    path.write_text(f"model: luma-txt-2-video\n{wire}{text}", encoding="utf-8")
    waiting = Doubts(tmp_path, box, pipeline)
    waiting.pipeline("run", path, "--no-report")
    path.write_text("model: luma-txt-2-video\nprompts: [another]\n", encoding="utf-8")
    assert waiting.settle().code == 0
    (record,) = waiting.records
    assert (record["task"], record["status"]) == ("slow", "succeeded")
    assert (waiting.out / record["output"]).exists()
    box.change(history="json")
    assert waiting.pipeline("audit", path).code == 0
    assert box.books()["posts"] == 1
