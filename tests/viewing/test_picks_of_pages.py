"""Verdicts from a page: those of `pick`, seen by every other page at once."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from support.rendered import render
from support.viewed import viewed

from pipeline import load
from pipeline.cli.edge import run_command


def pick(*arguments: str) -> int:
    return run_command(["pick", *arguments])


async def test_a_verdict_is_seen_by_another_page_and_by_pick(write: Any, capsys: Any) -> None:
    path = write("one", "two")
    async with viewed(path) as served, served.page() as other:
        await other.until("state")
        words = {"tasks": ["one"], "verdict": "rejected", "note": " a < b "}
        (said,) = (await served.post("/job/verdicts", words)).json()["said"]
        assert (said["verdict"], said["note"]) == ("rejected", "a < b")
        (told,) = await other.until("said")
        assert told == said
        assert pick(str(path), "--json") == 0
        (listed,) = json.loads(capsys.readouterr().out)
        assert (listed["task"], listed["by"], listed["applies"]) == ("one", said["by"], True)
        await asyncio.to_thread(pick, str(path), "two", "--keep", "--by", "me")
        (told,) = await other.until("said")
        assert (told["task"], told["verdict"], told["by"]) == ("two", "kept", "me")
        entries = (await served.get("/job/data")).json()["entries"]
        assert [one["verdict"] for one in entries] == ["rejected", "kept"]


async def test_a_verdict_and_a_note_leave_each_other_as_they_are(write: Any) -> None:
    async with viewed(write("one")) as served:
        for words, verdict, note in (
            ({"verdict": "kept"}, "kept", None),
            ({"note": "warm"}, "kept", "warm"),
            ({"verdict": "kept"}, "kept", "warm"),  # said before
            ({"verdict": "rejected"}, "rejected", "warm"),
            ({"verdict": None}, None, "warm"),
            ({"note": " "}, None, None),
            ({"verdict": "kept", "note": ""}, "kept", None),
        ):
            found = await served.post("/job/verdicts", {"tasks": ["one"], **words})
            (said,) = found.json()["said"]
            assert (said["verdict"], said["note"]) == (verdict, note)


async def test_a_clip_that_nobody_saw_gets_no_verdict(write: Any) -> None:
    path = write("one", "two")
    async with viewed(path) as served:
        entries = (await served.get("/job/data")).json()["entries"]
        seen = {one["task"]: one["sha256"] for one in entries}
        render(path, body=lambda task: f"another {task}".encode())
        words = {"tasks": ["one", "two"], "verdict": "kept", "sha256": seen}
        refused = await served.post("/job/verdicts", words)
        assert refused.status_code == 409
        assert not (load(path).output_dir / "verdicts.jsonl").exists()
        fresh = (await served.get("/job/data")).json()["entries"]
        words["sha256"] = {one["task"]: one["sha256"] for one in fresh}
        assert (await served.post("/job/verdicts", words)).status_code == 200


async def test_what_cannot_be_said_is_refused(write: Any) -> None:
    path = write("one", "two", leave=["two"])
    async with viewed(path) as served:
        for words in (
            {},
            {"tasks": []},
            {"tasks": "one", "verdict": "kept"},
            {"tasks": ["one"]},
            {"tasks": ["one"], "verdict": "good"},
            {"tasks": ["one"], "verdict": ["kept"]},
            {"tasks": ["one"], "note": 1},
            {"tasks": ["one"], "note": "x" * 4001},
            {"tasks": ["one"], "verdict": "kept", "sha256": []},
            {"tasks": ["two"], "verdict": "kept"},
            {"tasks": ["*"], "verdict": "kept"},
            {"tasks": ["@/etc/passwd"], "verdict": "kept"},
            {"tasks": [1], "verdict": "kept"},
            {"tasks": ["one"], "verdict": "kept", "by": "someone"},
        ):
            found = await served.post("/job/verdicts", words)
            assert found.status_code == 400, words
            assert found.json()["error"]
        assert not (load(path).output_dir / "verdicts.jsonl").exists()


async def test_verdicts_that_cannot_be_written_are_an_error_in_words(
    write: Any, tmp_path: Path
) -> None:
    path = write("one")
    async with viewed(path) as served:
        (load(path).output_dir / "verdicts.jsonl").symlink_to(tmp_path / "elsewhere")
        found = await served.post("/job/verdicts", {"tasks": ["one"], "verdict": "kept"})
        assert found.status_code == 409
        assert "verdicts.jsonl" in found.json()["error"]
        assert not (tmp_path / "elsewhere").exists()


async def test_the_calendar_is_that_of_export(write: Any, capsys: Any) -> None:
    prompts = [
        {"id": "x", "prompt": "x", "meta": {"publish": "2026-12-01", "channel": "web"}},
        {"id": "y", "prompt": "y", "meta": {"publish": "2026-12-02"}},
    ]
    path = write(*prompts)
    async with viewed(path) as served:
        await served.post("/job/verdicts", {"tasks": ["x"], "verdict": "kept"})
        found = await served.get("/job/calendar.ics?kept=1")
        assert found.headers["content-type"].startswith("text/calendar")
        sys.stdout.flush()
        capsys.readouterr()
        assert run_command(["export", str(path), "--to", "ics", "--kept"]) == 0
        assert found.text.splitlines() == capsys.readouterr().out.splitlines()
        assert found.text.count("BEGIN:VEVENT") == 1
        assert (await served.get("/job/calendar.ics")).text.count("BEGIN:VEVENT") == 2
