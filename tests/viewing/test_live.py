"""What pages are told while files change under them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.rendered import render
from support.viewed import Page, Viewed, viewed

from pipeline import load
from pipeline.ledger.manifest import encode
from pipeline.store.layout import Layout, locked


def append(path: Path, lines: bytes) -> None:
    with (load(path).output_dir / "manifest.jsonl").open("ab") as file:
        file.write(lines)


def lines_of(path: Path) -> list[bytes]:
    """The lines of a manifest in which every task has succeeded; the files stay as they were."""
    there = load(path).output_dir
    kept = there.with_name("kept")
    shutil.copytree(there, kept)
    lines = [encode(record) for record in render(path)]
    shutil.rmtree(there)
    kept.rename(there)
    return lines


async def test_a_record_that_is_appended_is_told_with_how_the_job_stands(write: Any) -> None:
    path = write("one", "two", "three", leave=["two", "three"])
    _, two, three = lines_of(path)
    there = locked(Layout(load(path).output_dir))  # as a run does
    async with viewed(path) as served, served.page() as page:
        await page.until("state")
        with there:
            await page.until("reload")
            await follow(served, page, path, two, three)
        await page.until("state", lambda state: not state["running"])
        whole = (await served.get("/job/data")).json()
        assert whole["state"]["counts"]["succeeded"] == 3


async def follow(served: Viewed, page: Page, path: Path, two: bytes, three: bytes) -> None:
    append(path, two + three[:20])  # the rest of a line comes later
    (entry,) = await page.until("entries")
    assert (entry["task"], entry["src"]) == ("two", "./two.mp4")
    state = await page.until("state", lambda state: state["counts"]["succeeded"] == 2)
    assert state["counts"] == {
        "total": 3, "succeeded": 2, "failed": 0, "in_doubt": 0, "pending": 1,
    }  # fmt: skip
    assert (state["running"], state["spent"]) == (True, pytest.approx(1.9))
    append(path, three[20:])
    (entry,) = await page.until("entries")
    assert entry["task"] == "three"
    whole = (await served.get("/job/data")).json()
    assert [one["task"] for one in whole["entries"]] == ["one", "two", "three"]
    assert whole["state"]["counts"]["succeeded"] == 3


async def test_a_page_that_was_away_catches_up_by_the_id_it_has(write: Any) -> None:
    path = write("one", "two", "three", leave=["two", "three"])
    _, two, three = lines_of(path)
    async with viewed(path) as served:
        async with served.page() as page, served.page() as other:
            await page.until("state")
            append(path, two)
            await page.until("entries")
            await other.until("entries")
            last = page.last_id
            append(path, three)
            await other.until("entries")
        async with served.page(after=last) as page:
            (entry,) = await page.until("entries")
            assert entry["task"] == "three"
        for unknown in ("other-1", last.rpartition("-")[0] + "-999999", "x", "-", "a-" + "9" * 40):
            async with served.page(after=unknown) as page:
                await page.until("reload")


async def test_a_job_that_has_not_run_has_a_page(write: Any) -> None:
    path = write("one", leave=None)
    async with viewed(path) as served:
        page = await served.get("/job/")
        assert page.status_code == 200
        assert '"live":{"base":"./"' in page.text
        whole = (await served.get("/job/data")).json()
        assert whole["entries"] == [] or whole["entries"][0]["status"] == "pending"
        assert whole["state"]["state"] == "ended"
        async with served.page() as listening:
            await listening.until("state")
            render(path)
            await listening.until("entries")
            assert (await served.get("/job/data")).json()["entries"][0]["task"] == "one"


async def test_a_manifest_that_gets_shorter_or_another_is_read_again(write: Any) -> None:
    path = write("one", "two")
    manifest = load(path).output_dir / "manifest.jsonl"
    one, two = manifest.read_bytes().splitlines(keepends=True)
    async with viewed(path) as served, served.page() as page:
        await page.until("state")
        manifest.write_bytes(one)
        await page.until("reload")
        assert (await served.get("/job/data")).json()["state"]["counts"]["succeeded"] == 1
        # Of the same length and more, but other bytes: nothing of it is an addition.
        manifest.write_bytes(two + one)
        state = await page.until("state", lambda state: state["counts"]["succeeded"] == 2)
        assert state["spent"] == pytest.approx(1.9)


async def test_a_manifest_that_is_written_over_in_its_place_is_read_again(write: Any) -> None:
    path = write("one", "two")
    layout = Layout(load(path).output_dir)
    one, two = layout.manifest.read_bytes().splitlines(keepends=True)
    layout.manifest.write_bytes(one)
    async with viewed(path) as served, served.page() as page:
        with locked(layout):
            await page.until("state", lambda state: state["running"])
            with layout.manifest.open("r+b") as file:
                file.write(two + one)
            await page.until("state", lambda state: state["counts"]["succeeded"] == 2)
        entries = (await served.get("/job/data")).json()["entries"]
        assert [one["task"] for one in entries] == ["one", "two"]


async def test_an_output_directory_that_is_deleted_and_made_again(write: Any) -> None:
    path = write("one")
    there = load(path).output_dir
    async with viewed(path) as served, served.page() as page:
        await page.until("state")
        shutil.rmtree(there)
        await page.until("state", lambda state: state["counts"]["succeeded"] == 0)
        assert (await served.get("/job/one.mp4")).status_code == 404
        render(path)
        await page.until("state", lambda state: state["counts"]["succeeded"] == 1)
        assert (await served.get("/job/one.mp4")).status_code == 200


async def test_files_that_cannot_be_read_are_said_and_harm_no_other_job(
    write: Any, tmp_path: Path
) -> None:
    path, other = write("one"), write("two", name="other")
    manifest = load(path).output_dir / "manifest.jsonl"
    good = manifest.read_bytes()
    async with viewed(path, other) as served, served.page() as page:
        await page.until("state")
        manifest.write_bytes(good + b'{"task": <b>1</b>}\n{"x": 1}\n')
        told = await page.until("state", lambda state: "error" in state)
        assert "manifest.jsonl:2" in told["error"]
        shown = await served.get("/job/")
        assert shown.status_code == 503
        assert "manifest.jsonl:2" in shown.text
        assert "<b>" not in shown.text
        refused = await served.get("/job/data")
        assert (refused.status_code, "manifest" in refused.json()["error"]) == (503, True)
        assert (await served.get("/other/")).status_code == 200
        front = (await served.get("/data")).json()
        assert ["error" in job for job in front["jobs"]] == [True, False]
        manifest.write_bytes(good)
        await page.until("state", lambda state: "error" not in state)
        assert (await served.get("/job/")).status_code == 200


async def test_a_job_file_that_breaks_is_said_and_mended(write: Any) -> None:
    path = write("one")
    good = path.read_text()
    async with viewed(path) as served, served.page() as page:
        await page.until("state")
        path.write_text("prompts: [")
        told = await page.until("state", lambda state: "error" in state)
        assert "job.yaml" in told["error"]
        path.write_text(good.replace("a one", "another one"))
        await page.until("state", lambda state: state.get("counts", {}).get("pending") == 1)
        (entry,) = (await served.get("/job/data")).json()["entries"]
        assert entry["standing"] == "changed"


async def test_jobs_of_the_same_name_have_addresses_of_their_own(
    write: Any, tmp_path: Path
) -> None:
    first = write("one", name="a")
    second = write("two", name="b")
    for path in (first, second):
        path.write_text(json.dumps({**json.loads(path.read_text()), "name": "data"}))
    async with viewed(first, second) as served:
        jobs = (await served.get("/data")).json()["jobs"]
        assert [job["address"] for job in jobs] == ["./data-2/", "./data-3/"]
        found = [(await served.get(f"/{job['address']}data")).json() for job in jobs]
        assert [one["entries"][0]["task"] for one in found] == ["one", "two"]


async def test_the_first_page_adds_up_jobs_and_campaigns(write: Any) -> None:
    prompts = [{"id": "x", "prompt": "x", "meta": {"campaign": "<i>spring"}}, "y"]
    first, second = write(*prompts, name="a"), write(prompts[0], name="b")
    async with viewed(first, second) as served:
        await served.post("/a/verdicts", {"tasks": ["x"], "verdict": "kept"})
        front = (await served.get("/data")).json()
        kept = [(job["clips"], job["kept"], job["unseen"]) for job in front["jobs"]]
        assert kept == [(2, 1, 1), (1, 0, 1)]
        sums = {one["campaign"]: one["spent"] for one in front["costs"]["campaigns"]}
        assert sums == {"<i>spring": pytest.approx(1.9), None: pytest.approx(0.95)}
        page = await served.get("/")
        assert r"\u003ci\u003espring" in page.text
        assert "<i>spring" not in page.text
        assert "script-src 'sha256-" in page.text  # nothing but its own runs there


async def test_names_that_are_no_text_harm_nothing(write: Any, tmp_path: Path) -> None:
    path = write("one")
    manifest = load(path).output_dir / "manifest.jsonl"
    record = json.loads(manifest.read_text())
    hostile = "</script><script>alert(1)</script>\u2028\x00"
    manifest.write_text(json.dumps({**record, "meta": {hostile: hostile}}) + "\n")
    async with viewed(path) as served:
        page = await served.get("/job/")
        assert "<script>alert" not in page.text
        assert (await served.get("/job/data")).status_code == 200


async def test_nothing_is_watched_while_no_page_listens(write: Any) -> None:
    path = write("one", "two", leave=["two"])
    _, two = lines_of(path)
    async with viewed(path) as served:
        async with served.page() as page:
            await page.until("state")
        append(path, two)  # found by whoever asks next
        assert len((await served.get("/job/data")).json()["entries"]) == 2
