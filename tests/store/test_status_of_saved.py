"""What `status`, the report and the books say of outputs that are here and not in their place."""

import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from support.claims import claim_file

from pipeline.cli.doubts import still_open
from pipeline.job import load
from pipeline.ledger.manifest import encode
from pipeline.ledger.plan import Retry, make
from pipeline.ledger.records import doubtful, succeeded
from pipeline.models import Claim, Completion, Job, part_of
from pipeline.report.build import write_report
from pipeline.report.commands import Commands
from pipeline.settling.books import EntryState, entries
from pipeline.state import look, read_files
from pipeline.store.layout import Layout
from pipeline.store.outstanding import sent_claims
from pipeline.store.shelf import open_shelf

PRICE = Decimal("0.95")
SENT = "2026-01-01T00:00:00.000Z"
BODY = b"a whole clip"
COUNTED = ("succeeded", "failed", "in_doubt", "pending", "accepted", "saved")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    prompts = [{"id": name, "prompt": f"scene {name}"} for name in "abc"]
    path = tmp_path / "job.yaml"
    text = {"model": "luma-txt-2-video", "prompts": prompts, "credits": {"cost": 0.95}}
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    loaded = load(path)
    Layout(loaded.output_dir).inflight.mkdir(parents=True)
    return loaded


def save(job: Job, name: str, **more: Any) -> tuple[Claim, Path]:
    """Leave a completed claim and its part, as a run whose bucket is down does."""
    task = next(task for task in job.tasks() if task.id == name)
    attempt, layout = f"{task.key}.abcdef.1", Layout(job.output_dir)
    done = Completion(
        output=f"{task.output}.mp4", bytes=len(BODY), sha256="0" * 64, content_type="video/mp4",
        http_status=200, cost=PRICE, remaining_credits=None, request_id=None,
        finished_at=SENT, duration_s=1.0, simulated=False, cost_source="estimated",
    )  # fmt: skip
    fields = {
        "task": task.id, "fingerprint": task.fingerprint, "model": task.model,
        "params": task.params, "meta": {}, "price": PRICE, "attempt": 1, "output": task.output,
        "started_at": SENT, "sent": True, "completion": done,
    }  # fmt: skip
    claim = Claim(**{**fields, **more})
    claim_file(layout, attempt).write_bytes(msgspec.json.encode(claim))
    part = layout.inflight / part_of(attempt)
    part.write_bytes(BODY)
    return claim, part


def test_what_is_whole_here_is_neither_in_doubt_nor_at_risk_nor_to_do(job: Job) -> None:
    save(job, "a")
    told = look(job).as_json()
    assert {name: told[name] for name in COUNTED if told[name]} == {"pending": 2, "saved": 1}
    assert sum(told[name] for name in COUNTED) == told["total"]
    assert (told["spent"], told["at_risk"], told["in_flight"]) == (PRICE, 0, 0)
    assert still_open(job) == []


def test_no_flag_renders_it_again_and_the_budget_counts_it_once(job: Job) -> None:
    job = replace(job, credits=replace(job.credits, budget=Decimal("2.00")))
    save(job, "a")
    files, chosen = read_files(job), set[str]()

    def show(task: Any, _: object, taken: bool) -> None:
        chosen.update([task.id] if taken else [])

    layout = Layout(job.output_dir)
    plan = make(
        job, files.history, layout.manifest, open_shelf(job, layout), retry=list(Retry),
        show=show, accepted=files.accepted | files.saved,
    )  # fmt: skip
    assert chosen == {"b", "c"}
    assert plan.budget_left == Decimal("1.05")
    assert plan.removed_count == 0


def cut(part: Path) -> None:
    part.write_bytes(BODY[:-1])


def link(part: Path) -> None:
    part.unlink()
    part.symlink_to("/etc/hostname")


def remove(part: Path) -> None:
    part.unlink()


def make_folder(part: Path) -> None:
    part.unlink()
    part.mkdir()


@pytest.mark.parametrize("spoil", [cut, link, remove, make_folder], ids=lambda f: f.__name__)
def test_what_is_not_whole_here_stays_in_doubt_and_at_risk(job: Job, spoil: Any) -> None:
    _, part = save(job, "a")
    spoil(part)
    told = look(job).as_json()
    assert (told["in_doubt"], told["saved"], told["at_risk"]) == (1, 0, PRICE)
    assert [doubt.task for doubt in still_open(job)] == ["a"]


def test_what_has_its_record_is_done_whatever_lies_here(job: Job) -> None:
    claim, _ = save(job, "a")
    assert claim.completion is not None
    Layout(job.output_dir).manifest.write_bytes(encode(succeeded(claim, claim.completion)))
    told = look(job).as_json()
    assert (told["succeeded"], told["saved"], told["spent"]) == (1, 0, PRICE)


def test_a_doubt_whose_output_is_here_is_no_doubt_any_more(job: Job) -> None:
    claim, _ = save(job, "a", doubted=True, at_risk=PRICE)
    record = doubtful(msgspec.structs.replace(claim, completion=None), "lost", answered=False)
    Layout(job.output_dir).manifest.write_bytes(encode(record))
    told = look(job).as_json()
    assert (told["saved"], told["in_doubt"]) == (1, 0)
    assert (told["spent"], told["at_risk"]) == (PRICE, 0)


def test_the_report_names_it_and_links_to_no_file(job: Job) -> None:
    save(job, "a")
    page = write_report(job, Commands("run")).read_text()
    assert "Rendered, and not in place: 1" in page
    assert '"standing":"saved"' in page
    assert '"src"' not in page.split("<script", 1)[-1].partition("];")[0]
    assert "--retry missing" not in page


@pytest.mark.parametrize(
    ("running", "state", "cost"),
    [(False, EntryState.SUCCEEDED, PRICE), (True, EntryState.RUNNING, PRICE)],
)
def test_an_audit_counts_its_cost(job: Job, running: bool, state: str, cost: Decimal) -> None:
    save(job, "a")
    layout = Layout(job.output_dir)
    os.close(os.open(layout.manifest, os.O_CREAT | os.O_WRONLY))
    [entry] = entries("job", layout.manifest, sent_claims(layout), running=running)
    assert (entry.state, entry.cost, entry.at_risk) == (state, cost, 0)
