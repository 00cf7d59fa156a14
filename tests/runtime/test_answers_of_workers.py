"""Answers that workers brought home for a killed run are judged as those that a run hears."""

import time
from pathlib import Path

import pytest
from support.claims import claim_of, open_log
from support.helpers import Workspace, until

import pipeline
from pipeline.api.outcome import Fault, Outcome
from pipeline.models import Claim, part_of, rfc3339
from pipeline.store.arrivals import SharedFolder
from pipeline.store.claim_log import Noting
from sandbox.testing import Sandbox

REFUSED = Outcome(took=1.0, status=400, text='{"error": "no such size"}', simulated=True)


@pytest.fixture
def job(workspace: Workspace) -> Workspace:
    workspace.write(prompts=["a"], credits={"cost": 0.95}, timeout=60)
    return workspace


def sent_to_a_worker(job: Workspace, outcome: Outcome | None) -> SharedFolder:
    """Leave what a killed run does whose worker has this answer, or none yet."""
    (task,) = pipeline.load(job.job).tasks()
    now = rfc3339(time.time())
    claim: Claim = claim_of(
        task.id, task.output, fingerprint=task.fingerprint, model=task.model,
        params=task.params, started_at=now, provider="segmind",
    )  # fmt: skip
    inflight = job.output / ".inflight"
    inflight.mkdir(parents=True)
    attempt = f"{task.key}.abcdef.1"
    with open_log(job.output) as log:
        log.commit({attempt: claim})
        Noting(log, attempt, pytest.fail, now).sending("worker-1")
    home = SharedFolder(str(inflight))
    home.spool(part_of(attempt)).touch()
    if outcome is not None:
        home.bring(part_of(attempt), outcome)
    return home


def test_a_request_that_was_refused_has_failed(job: Workspace) -> None:
    sent_to_a_worker(job, REFUSED)
    with Sandbox(clips="tiny", credits=100, history="missing") as api:
        run = job.run("--no-report", url=api.url)
        assert api.books()["requests"] == []
    assert run.code == 1
    (record,) = job.records()
    assert (record["status"], record["http_status"], record["cost"]) == ("failed", 400, 0)
    assert "no such size" in record["error"]


@pytest.mark.parametrize(
    "status", [503, *(pytest.param(each, marks=pytest.mark.variant) for each in (401, 406, 429))]
)
def test_a_request_that_was_not_processed_is_sent_again(job: Workspace, status: int) -> None:
    sent_to_a_worker(job, Outcome(took=1.0, status=status))
    with Sandbox(clips="tiny", credits=100, history="missing") as api:
        run = job.run("--no-report", url=api.url)
        assert len(api.books()["requests"]) == 1
    assert run.code == 0, run.err
    assert job.counts() == {"succeeded": 1}
    assert job.claims() == []


@pytest.mark.parametrize(
    "outcome",
    [Outcome(took=1.0, status=200, fault=Fault.NOT_MEDIA), Outcome(took=1.0, fault=Fault.TIMEOUT)],
)
def test_what_may_have_been_charged_stays_in_doubt(job: Workspace, outcome: Outcome) -> None:
    sent_to_a_worker(job, outcome)
    with Sandbox(clips="tiny", credits=100, history="missing") as api:
        assert job.run("--no-report", url=api.url).code == 1
        assert api.books()["requests"] == []
    assert job.counts() == {"in_doubt": 1}


def test_a_word_on_a_doubt_waits_for_what_a_worker_may_bring(job: Workspace) -> None:
    home = sent_to_a_worker(job, None)
    (part,) = Path(home.folder).glob("*.part")
    settling = job.start("--not-billed", "*", command="settle")
    assert settling.stderr is not None
    said = until(settling.stderr.readline)
    assert "waiting for them" in said
    home.bring(part.name, Outcome(took=1.0, fault=Fault.NOT_SENT))
    run = job.finish(settling)
    assert run.code == 2
    assert "no task is in doubt" in run.err
    assert job.records() == []
