"""Buttons: they do what the commands do, with a real run against the sandbox."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from support.command import eventually
from support.viewed import viewed

from pipeline import load
from pipeline.cli.view import source_of
from pipeline.ledger.manifest import read
from pipeline.store.layout import Layout
from pipeline.viewing.actions import again_arguments, literal, settle_arguments
from sandbox.testing import Sandbox

pytestmark = pytest.mark.together


@pytest.fixture(scope="module")
def api() -> Iterator[Sandbox]:
    with Sandbox(clips="tiny", credits=1000, latency=0.3) as running:
        yield running


@pytest.fixture
def keyed(api: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """What a run that is started finds in the environment."""
    monkeypatch.setenv("SEGMIND_API_KEY", "sk-view-0123456789abcdef")
    monkeypatch.setenv("SEGMIND_BASE_URL", api.url)
    return api


async def test_a_run_is_started_followed_and_controlled(write: Any, keyed: Sandbox) -> None:
    # Enough for long at two at a time, and for a moment at twenty.
    prompts = [{"id": f"t{n}", "prompt": f"{n} [[latency 1]]"} for n in range(60)]
    path = write(*prompts, leave=None, concurrency=2)
    async with viewed(path) as served, served.page() as page:
        await page.until("state")
        asked = (await served.get("/job/price")).json()
        assert (asked["tasks"], asked["price"]) == (60, pytest.approx(57))
        started = await served.post("/job/run", {})
        assert started.status_code == 200, started.text
        state = await page.until("state", lambda state: state["running"] and state["in_flight"])
        assert state["concurrency"] == 2
        for words, code in (
            ({"action": "pause"}, 200),
            ({"action": "concurrency", "value": 20}, 200),
            ({"action": "concurrency", "value": "many"}, 400),
            ({"action": "dance"}, 400),
            ({"action": ["pause"]}, 400),
        ):
            found = await served.post("/job/control", words)
            assert found.status_code == code, words
        assert found.json()["hint"]
        state = await page.until("state", lambda state: state["state"] == "paused")
        assert state["concurrency"] == 20
        refused = await served.post("/job/run", {})
        assert (refused.status_code, "in use" in refused.json()["error"]) == (409, True)
        assert (await served.post("/job/settle", {})).status_code == 409
        resumed = await served.post("/job/control", {"action": "resume"})
        assert resumed.json()["state"] == "running"
        ended = await page.until("action", lambda action: not action["running"])
        assert (ended["id"], ended["code"]) == (started.json()["id"], 0)
        assert any("60 rendered" in line for line in ended["lines"])
        told = {entry["task"] for kind, data in page.told if kind == "entries" for entry in data}
        assert told
        assert (await served.get("/job/t0.mp4")).headers["content-type"] == "video/mp4"
        whole = (await served.get("/job/data")).json()
        assert whole["nights"]
        assert (whole["state"]["state"], whole["state"]["counts"]["succeeded"]) == ("ended", 60)
        assert [action["code"] for action in whole["actions"]] == [0]


async def test_what_is_rejected_is_rendered_again(write: Any, keyed: Sandbox) -> None:
    path = write("one", "-two", "three")
    async with viewed(path) as served, served.page() as page:
        await page.until("state")
        await served.post("/job/verdicts", {"tasks": ["one"], "verdict": "rejected"})
        asked = (await served.get("/job/price?again=rejected")).json()
        assert (asked["tasks"], asked["kept_skipped"]) == (1, 0)
        assert (await served.post("/job/run", {"again": "rejected"})).status_code == 200
        await page.until("action", lambda action: action["code"] == 0)
        # A name that looks like a flag is a name.
        await served.post("/job/verdicts", {"tasks": ["three"], "verdict": "kept"})
        asked = (await served.get("/job/price?again=-two&again=three")).json()
        assert (asked["tasks"], asked["kept_skipped"]) == (1, 1)
        assert (await served.post("/job/run", {"again": ["-two"]})).status_code == 200
        await page.until("action", lambda action: action["code"] == 0)
        records = [record.task for record in read(Layout(load(path).output_dir).manifest)]
        assert records == ["one", "-two", "three", "one", "-two"]
        (first, *_) = (await served.get("/job/data")).json()["entries"]
        assert first.get("verdict") is None  # the new clip has none yet


async def test_a_run_outlives_the_server_that_has_started_it(write: Any, keyed: Sandbox) -> None:
    path = write({"id": "slow", "prompt": "slow [[latency 5]]"}, leave=None)
    layout = Layout(load(path).output_dir)
    async with viewed(path) as served, served.page() as page:
        await served.post("/job/run", {})
        await page.until("state", lambda state: state["running"] and state["in_flight"])
    assert layout.is_running()
    pid = json.loads(layout.state.read_text())["pid"]
    assert os.getsid(pid) == pid  # no Ctrl-C of the server's terminal meets it
    await asyncio.to_thread(eventually, lambda: not layout.is_running(), 30, "the end")
    (record,) = read(layout.manifest)
    assert record.status == "succeeded"


async def test_a_run_that_is_killed_leaves_a_page_that_says_so(write: Any, keyed: Sandbox) -> None:
    path = write({"id": "slow", "prompt": "slow [[latency 20]]"}, leave=None)
    async with viewed(path) as served, served.page() as page:
        await served.post("/job/run", {})
        await page.until("state", lambda state: state["running"] and state["in_flight"])
        note = json.loads((load(path).output_dir / ".state.json").read_text())
        os.kill(note["pid"], signal.SIGKILL)
        action = await page.until("action", lambda action: not action["running"])
        assert action["code"] == -signal.SIGKILL
        state = (await served.get("/job/data")).json()["state"]
        assert (state["running"], state["counts"]["in_doubt"]) == (False, 1)
        words = {"tasks": ["slow"], "word": "not_billed"}
        assert (await served.post("/job/settle", words)).status_code == 200
        action = await page.until("action", lambda action: not action["running"])
        assert (action["what"], action["code"]) == ("settle", 0)
        state = (await served.get("/job/data")).json()["state"]
        assert (state["counts"]["pending"], state["at_risk"]) == (1, 0)


async def test_requests_that_make_no_command_are_refused(write: Any) -> None:
    path = write("one")
    async with viewed(path) as served:
        for address, words in (
            ("run", {"again": []}),
            ("run", {"again": "kept"}),
            ("run", {"again": ["a\0b"]}),
            ("run", {"again": [""]}),
            ("run", {"again": ["x" * 90] * 2000}),
            ("run", {"again": {"a": 1}}),
            ("run", {"retry": ["all"]}),
            ("run", {"retry": "failed"}),
            ("run", {"limit": 0}),
            ("run", {"limit": True}),
            ("run", {"output": "/tmp"}),
            ("settle", {"word": "billed"}),
            ("settle", {"tasks": ["one"], "word": "paid"}),
            ("settle", {"tasks": "one", "word": "billed"}),
            ("control", {}),
        ):
            found = await served.post(f"/job/{address}", words)
            assert found.status_code == 400, (address, words)
            assert found.json()["error"]
        nobody = await served.post("/job/control", {"action": "pause"})
        assert (nobody.status_code, "no run" in nobody.json()["error"]) == (409, True)
        for query in ("again=nix", "retry=all", "again=%00"):
            found = await served.get(f"/job/price?{query}")
            assert found.status_code == 400, query
            assert found.json()["error"]


async def test_the_price_of_hundreds_of_tasks_can_be_asked_for(write: Any) -> None:
    path = write("one")
    names = "&".join(["again=" + "%C3%A9" * 118] * 400)  # more bytes than are read at a time
    async with viewed(path) as served:
        cookie = "; ".join(f"{name}={value}" for name, value in served.client.cookies.items())

        def ask() -> bytes:
            with closing(HTTPConnection("127.0.0.1", served.port, timeout=30)) as asking:
                asking.request("GET", f"/job/price?{names}", headers={"Cookie": cookie})
                return asking.getresponse().read()

        assert b"no task" in await asyncio.to_thread(ask)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("--output=/tmp", "--again=--output=/tmp"),
        ("-x", "--again=-x"),
        ("@/etc/passwd", "--again=[@]/etc/passwd"),
        ("@a*[b]?", "--again=[@]a[*][[]b][?]"),
        ("kept", "--again=[k]ept"),
        ("; rm -rf $HOME", "--again=; rm -rf $HOME"),
    ],
)
def test_a_name_is_never_a_flag_nor_a_file(name: str, written: str) -> None:
    assert again_arguments([name]) == [written]
    assert literal(name) in written


def test_words_on_doubts_are_the_flags_of_settle(write: Any) -> None:
    source = source_of(Path("-job.yaml"), Path("out"))
    asked = {"tasks": ["--json", "a b"], "word": "billed"}
    assert settle_arguments(source, asked) == [
        "settle", "./-job.yaml", "--output", "out", "--billed=--json", "--billed=a b",
    ]  # fmt: skip
    assert settle_arguments(source, {}) == ["settle", "./-job.yaml", "--output", "out"]
