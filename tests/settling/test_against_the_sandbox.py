"""Look-ups and audits over real sockets: the command leaves doubts, the sandbox lists requests."""

import csv
import json
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx
import pytest
from support.helpers import KEY, MODEL, Workspace, until

from pipeline.api import providers
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import RequestState
from pipeline.api.provider import Session
from pipeline.job import load
from pipeline.settling.audit import Audit
from pipeline.settling.auditing import audit_jobs
from pipeline.settling.doubts import collect
from pipeline.settling.inquiry import Inquiry
from sandbox.testing import Sandbox

T = TypeVar("T")
PRICE = Decimal("0.95")
FAST = {"clips": "tiny", "latency": 0.05}


def connected(url: str, use: Callable[[Session], Awaitable[T]]) -> T:
    async def main() -> T:
        endpoint = Endpoint(url, KEY)
        async with providers.get().connect(endpoint, timeout=10, max_size=10**8) as session:
            return await use(session)

    return anyio.run(main)


def found(workspace: Workspace, url: str) -> tuple[dict[str, RequestState], str | None]:
    """Look up what is in doubt in the output directory."""
    doubts, known = collect(workspace.output / "manifest.jsonl", [])

    async def ask(session: Session) -> tuple[dict[str, RequestState], str | None]:
        inquiry = Inquiry(session)
        rows = await inquiry.explain(doubts, known)
        return {key[0]: row.progress.state for key, row in rows.items()}, inquiry.said

    return connected(url, ask)


def doubtful(workspace: Workspace, **keys: Any) -> None:
    """Write a job of which two requests are charged, and not answered."""
    prompts = [
        {"id": "a", "prompt": "a lighthouse"},
        {"id": "b", "prompt": '[[fail 504]] a "fox", it\'s snowing\nand so on'},
        {"id": "c", "prompt": "[[fail 504]] a fox"},
    ]
    workspace.write(prompts=prompts, params={"loop": False}, credits={"cost": 0.95}, **keys)


@pytest.mark.variant
@pytest.mark.parametrize(
    ("history", "ids", "times"),
    [
        ("json", "same", "utc"),
        ("json", "other", "naive"),
        ("repr", "other", "offset"),
        ("repr", "none", "utc"),
        ("object", "none", "offset"),
    ],
)
def test_doubts_are_found_however_the_list_writes_them(
    workspace: Workspace, history: str, ids: str, times: str
) -> None:
    doubtful(workspace)
    with Sandbox(
        history="missing", request_ids=ids, history_times=times, strangers=150, **FAST
    ) as box:
        workspace.run(url=box.url)
        assert workspace.counts()["in_doubt"] == 2
        assert found(workspace, box.url) == ({}, _said(workspace, box))
        box.change(history=history)
        rows, said = found(workspace, box.url)
    assert rows == {"b": RequestState.DONE, "c": RequestState.DONE}
    assert said is None


def _said(workspace: Workspace, box: Sandbox) -> str | None:
    said = found(workspace, box.url)[1]
    assert said is not None
    assert "404" in said
    return said


def audited(
    workspace: Workspace, url: str, *, since: float | None = None, job: Path | None = None
) -> Audit:
    async def hold(session: Session) -> Audit:
        return await audit_jobs([load(job or workspace.job)], session, providers.get(), since=since)

    return connected(url, hold)


def test_the_books_of_a_job_and_of_the_provider_agree(workspace: Workspace) -> None:
    workspace.write(prompts=[f"prompt {n}" for n in range(8)], params={"loop": False})
    with Sandbox(fault=["500=0.3"], seed=3, outputs=3, request_ids="other", **FAST) as box:
        assert workspace.run(url=box.url).code == 0
        audit = audited(workspace, box.url)
        charged = Decimal(str(box.books()["charged"]))
    assert audit.agrees, audit.as_json()
    assert audit.here == audit.there == charged == 8 * PRICE


@pytest.mark.variant
def test_a_charge_behind_our_back_and_one_recorded_too_high_are_found(
    workspace: Workspace,
) -> None:
    workspace.write(prompts=[{"id": str(n), "prompt": f"prompt {n}"} for n in range(4)])
    start = time.time() - 1
    with Sandbox(**FAST) as box:
        assert workspace.run(url=box.url).code == 0
        httpx.post(
            f"{box.url}/v1/{MODEL}",
            json={"prompt": "prompt 2", "loop": False, "aspect_ratio": "16:9"},
            headers={"x-api-key": KEY},
            trust_env=False,
        )
        manifest = workspace.output / "manifest.jsonl"
        lines = [json.loads(line) for line in manifest.read_text().splitlines()]
        for record in lines:
            if record["task"] == "3":
                record["cost"] = 1.9
        manifest.write_text("".join(json.dumps(record) + "\n" for record in lines))
        audit = audited(workspace, box.url, since=start)
    kinds = {(each.kind.value, each.task, each.here, each.there) for each in audit.differences}
    assert kinds == {
        ("unknown_here", None, None, PRICE),
        ("amount", "3", Decimal("1.9"), PRICE),
    }


@pytest.mark.variant
def test_doubts_that_were_charged_are_differences(workspace: Workspace) -> None:
    doubtful(workspace)
    with Sandbox(history="missing", request_ids="none", **FAST) as box:
        workspace.run(url=box.url)
        unreadable = audited(workspace, box.url)
        box.change(history="json")
        audit = audited(workspace, box.url)
    assert not unreadable.agrees
    assert "404" in unreadable.detail
    assert [(each.kind.value, each.task) for each in audit.differences] == [
        ("in_doubt", "b"),
        ("in_doubt", "c"),
    ]
    assert audit.at_risk == 2 * PRICE


@pytest.mark.variant
@pytest.mark.parametrize("with_address", [True, False])
def test_an_exported_list_ends_doubts_where_the_history_is_out_of_reach(
    workspace: Workspace, with_address: bool
) -> None:
    doubtful(workspace)
    with Sandbox(history="missing", request_ids="other", **FAST) as box:
        workspace.run(url=box.url)
        box.change(history="repr")
        answer = httpx.get(
            f"{box.url}/inference-request/request-history",
            headers={"x-api-key": KEY},
            trust_env=False,
        )
        box.change(history="missing")
        left_out = () if with_address else ("generation_url",)
        rows = [
            {k: v for k, v in row.items() if k not in left_out} for row in answer.json()["data"]
        ]
        with (workspace.folder / "usage.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        process = workspace.start("--from", "usage.csv", url=box.url, command="settle")
        settled = workspace.finish(process)
        charged = Decimal(str(box.books()["charged"]))
        assert settled.code == 0, settled.err
        assert len(box.requests()) == 3
    assert workspace.spent() == charged == 3 * PRICE
    last = workspace.last()
    if with_address:
        assert workspace.sound() == 3
        assert {last[task]["settled"] for task in "bc"} == {"found"}
    else:
        assert {last[task]["settled"] for task in "bc"} == {"billed"}


@pytest.mark.variant
@pytest.mark.parametrize("ids", ["other", "none"])
def test_equal_takes_of_killed_runs_are_paid_once_each(workspace: Workspace, ids: str) -> None:
    workspace.write(
        prompts=["a lighthouse"],
        params={"loop": False},
        takes=6,
        concurrency=2,
        credits={"cost": 0.95},
    )
    with Sandbox(request_ids=ids, clips="tiny", latency=1.5) as box:
        # Both places are taken then: no request is half sent when the run is killed.
        for posts in (2, 4):
            process = workspace.start("--no-wait", url=box.url)
            until(lambda posts=posts: box.books()["posts"] >= posts)
            process.kill()
            process.communicate()
        run = workspace.run(url=box.url)
        books = box.books()
        assert run.code == 0, run.err
        assert audited(workspace, box.url).agrees
    assert books["posts"] == 6
    assert Decimal(str(books["charged"])) == workspace.spent() == 6 * PRICE
    assert workspace.sound() == 6
    assert workspace.at_risk() == 0
