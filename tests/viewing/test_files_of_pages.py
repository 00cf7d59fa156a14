"""Files: only what a page shows, and nothing of it comes alive."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.viewed import Viewed, viewed

CLIP = b"clip of one"


@pytest.fixture
async def served(write: Any, tmp_path: Path) -> AsyncIterator[Viewed]:
    path = write("one", "two")
    (tmp_path / "job" / ".env").write_text("SEGMIND_API_KEY=sk-secret")
    (tmp_path / "secret.mp4").write_text("secret")
    async with viewed(path) as found:
        yield found


async def test_a_clip_is_served_as_media_that_cannot_act(served: Viewed) -> None:
    found = await served.get("/job/one.mp4")
    assert (found.status_code, found.content) == (200, CLIP)
    assert found.headers["content-type"] == "video/mp4"
    assert found.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cross-origin-resource-policy"] == "same-origin"
    again = await served.get("/job/one.mp4", **{"if-none-match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "manifest.jsonl",
        ".env",
        ".job.json",
        "verdicts.jsonl",
        "report.html",
        "../secret.mp4",
        "..%2fsecret.mp4",
        "%2e%2e/secret.mp4",
        "x/../../secret.mp4",
        "..%5csecret.mp4",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "one.mp4/",
        "one.mp4%00.html",
        "./one.mp4%2f..%2f.env",
        "three.mp4",
        "%ff%fe",
    ],
)
async def test_what_no_entry_names_is_not_served(served: Viewed, path: str) -> None:
    async with served.client.stream("GET", f"{served.url}/job/{path}") as raw:
        text = await raw.aread()
    assert raw.status_code in {404, 401}, path
    assert b"secret" not in text


async def test_links_are_not_followed(served: Viewed, tmp_path: Path) -> None:
    assert (await served.get("/job/one.mp4")).status_code == 200
    clip = tmp_path / "job" / "one.mp4"
    clip.unlink()
    clip.symlink_to(tmp_path / "secret.mp4")
    assert (await served.get("/job/one.mp4")).status_code == 404
    clip.unlink()
    clip.mkdir()
    assert (await served.get("/job/one.mp4")).status_code == 404
    clip.rmdir()
    assert (await served.get("/job/one.mp4")).status_code == 404


async def test_folders_that_are_links_are_not_followed(write: Any, tmp_path: Path) -> None:
    path = write("one", output={"dir": "job", "name": "in/{{ id }}"})
    async with viewed(path) as served:
        assert (await served.get("/job/in/one.mp4")).content == CLIP
        shutil.move(tmp_path / "job" / "in", tmp_path / "elsewhere")
        (tmp_path / "job" / "in").symlink_to(tmp_path / "elsewhere")
        assert (await served.get("/job/in/one.mp4")).status_code == 404


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [("html", "application/octet-stream"), ("svg", "image/svg+xml"), ("js", None), ("pdf", None)],
)
async def test_a_clip_that_is_a_document_is_only_saved(
    write: Any, tmp_path: Path, suffix: str, kind: str | None
) -> None:
    path = write("one")
    manifest = tmp_path / "job" / "manifest.jsonl"
    record = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**record, "output": f"one.{suffix}"}) + "\n")
    (tmp_path / "job" / f"one.{suffix}").write_text("<script>alert(1)</script>")
    async with viewed(path) as served:
        found = await served.get(f"/job/one.{suffix}")
        assert found.status_code == 200
        assert found.headers["content-type"] == kind or "application/octet-stream"
        assert found.headers["content-disposition"] == "attachment"
        assert "sandbox" in found.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-3", 206, CLIP[:4], "bytes 0-3/11"),
        ("bytes=5-", 206, CLIP[5:], "bytes 5-10/11"),
        ("bytes=-3", 206, CLIP[-3:], "bytes 8-10/11"),
        ("bytes=-99", 206, CLIP, "bytes 0-10/11"),
        ("bytes=0-99", 206, CLIP, "bytes 0-10/11"),
        ("bytes=11-", 416, b"", "bytes */11"),
        ("bytes=-0", 416, b"", "bytes */11"),
        ("bytes=5-2", 200, CLIP, None),
        ("bytes=0-1,3-4", 200, CLIP, None),
        ("lines=0-1", 200, CLIP, None),
        ("bytes=-", 200, CLIP, None),
        ("bytes=0-99999999999999999999999", 200, CLIP, None),
    ],
)
async def test_parts_of_a_clip(
    served: Viewed, asked: str, status: int, content: bytes, told: str | None
) -> None:
    found = await served.get("/job/one.mp4", range=asked)
    assert (found.status_code, found.content) == (status, content)
    assert found.headers.get("content-range") == told


async def test_a_part_of_another_version_is_not_mixed_in(served: Viewed) -> None:
    found = await served.get("/job/one.mp4", range="bytes=0-3", **{"if-range": '"old"'})
    assert (found.status_code, found.content) == (200, CLIP)


async def test_a_head_has_the_length_alone(served: Viewed) -> None:
    found = await served.client.head("/job/one.mp4")
    assert (found.status_code, found.content) == (200, b"")
    assert found.headers["content-length"] == "11"
