"""The page as one file that can be sent, within a budget."""

import base64
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import av
import pytest

from pipeline import load
from pipeline.errors import DirectoryError, UsageError
from pipeline.models import Job
from pipeline.report.build import gather
from pipeline.report.bundle import Bundled, write_bundle
from pipeline.report.commands import Commands
from pipeline.report.posters import make_missing
from pipeline.store.layout import Layout
from tests.facts.conftest import film
from tests.facts.test_looking import scene
from tests.report.test_report_render import Page, policy
from tests.support.rendered import render

CLIPS = 6


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Six films of 640 × 360, with posters."""
    folder = tmp_path_factory.mktemp("bundle")
    path = folder / "job.yaml"
    prompts = ", ".join(f"{{id: c{number}, prompt: '{number}'}}" for number in range(CLIPS))
    path.write_text(f"model: luma-txt-2-video\nprompts: [{prompts}]\n", "utf-8")

    @cache  # an encoder does not make the same bytes twice
    def body(task: str) -> bytes:
        frames = [frame.resize((640, 360)) for frame in scene(int(task[1]) + 1, 24)]
        return film(folder / "film.mp4", frames).read_bytes()

    render(path, body=body)
    job = load(path)
    assert make_missing(job).made == CLIPS
    return job


def bundle(job: Job, budget: int, out: Path | None = None) -> tuple[Bundled, list[dict[str, Any]]]:
    layout = Layout(job.output_dir)
    path = out or layout.bundle
    done = write_bundle(path, layout, gather(job, Commands("run")), budget)
    text = path.read_text("utf-8")
    assert path.stat().st_size == done.size <= budget
    entries: list[dict[str, Any]] = json.loads(Page(text).data["entries"])
    return done, entries


def media(address: str, kind: str) -> io.BytesIO:
    head, _, data = address.partition(",")
    assert head == f"data:{kind};base64"
    return io.BytesIO(base64.b64decode(data, validate=True))


@pytest.fixture(scope="module")
def whole(job: Job) -> tuple[Bundled, list[dict[str, Any]]]:
    return bundle(job, 50_000_000)


@pytest.fixture(scope="module")
def bare(job: Job) -> int:
    """What the page takes without anything in it, as it says itself."""
    with pytest.raises(UsageError):
        bundle(job, 1000)
    low, high = 1000, 1_000_000
    while high - low > 1000:
        middle = (low + high) // 2
        try:
            bundle(job, middle)
        except UsageError:
            low = middle
        else:
            high = middle
    return high


def test_with_room_for_all_every_film_is_in_it(whole: tuple[Bundled, list[Any]]) -> None:
    done, entries = whole
    assert (done.films, done.strips, done.stills, done.without) == (CLIPS, 0, 0, 0)
    for one in entries:
        assert one["small"] is True
        assert "strip" not in one
        assert media(one["poster"], "image/webp").read(4) == b"RIFF"
        with av.open(media(one["src"], "video/mp4")) as small:
            assert sum(1 for _ in small.decode(video=0)) == 24


def test_films_end_with_the_budget_then_strips_then_stills(
    job: Job, whole: tuple[Bundled, list[Any]], bare: int
) -> None:
    stills = sum(len(one["poster"]) for one in whole[1])
    film_size = len(whole[1][0]["src"])
    some, entries = bundle(job, bare + stills + 2 * film_size + 2000)
    assert 1 <= some.films <= 3
    assert some.films + some.strips + some.stills == CLIPS
    assert ["src" in one for one in entries] == [True] * some.films + [False] * (CLIPS - some.films)
    assert all("poster" in one for one in entries)
    least, entries = bundle(job, bare + stills // 2)
    assert (least.films, least.strips) == (0, 0)
    assert 1 <= least.stills < CLIPS
    assert least.stills + least.without == CLIPS
    assert not any("src" in one or "strip" in one for one in entries)


def test_a_budget_too_small_for_the_data_is_refused(job: Job, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--budget") as refused:
        bundle(job, 10_000, tmp_path / "a.html")
    assert "MB" in (refused.value.hint or "")
    assert not list(tmp_path.iterdir())


def test_the_policy_allows_only_what_is_in_the_page(
    job: Job, whole: tuple[Bundled, list[Any]]
) -> None:
    allowed = policy(Page(Layout(job.output_dir).bundle.read_text("utf-8")))
    assert allowed["default-src"] == "'none'"
    assert allowed["media-src"] == allowed["img-src"] == "data: blob:"
    assert not any("file:" in value or "http" in value for value in allowed.values())


def test_a_foreign_file_is_left_alone_and_a_bundle_is_replaced(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<h1>mine</h1>")
    with pytest.raises(DirectoryError):
        bundle(job, 50_000_000, path)
    assert path.read_text() == "<h1>mine</h1>"
    path.unlink()
    bundle(job, 50_000_000, path)
    bundle(job, 50_000_000, path)
    assert [each.name for each in tmp_path.iterdir()] == ["a.html"]


def test_what_cannot_be_decoded_or_is_not_there_has_no_film(job: Job, tmp_path: Path) -> None:
    outputs = [one.output or "" for one in gather(job, Commands("")).records]
    gone, broken = job.output_dir / outputs[0], job.output_dir / outputs[1]
    before = gone.read_bytes(), broken.read_bytes()
    try:
        gone.unlink()
        broken.write_bytes(b"\0\0\0\x18ftypmp42 no film")
        done, entries = bundle(job, 50_000_000, tmp_path / "a.html")
    finally:
        gone.write_bytes(before[0])
        broken.write_bytes(before[1])
    assert (done.films, done.strips) == (CLIPS - 2, 2)
    assert entries[0]["missing"] is True
    assert "src" not in entries[0]
    assert entries[0]["strip"].startswith("data:image/webp")
