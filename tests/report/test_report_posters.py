"""Posters of a job's clips: made once, whole or not at all, and found by the bytes of the clip."""

import fcntl
import hashlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from pipeline import load
from pipeline.errors import DirectoryError
from pipeline.models import Job, Record
from pipeline.report.build import gather
from pipeline.report.commands import Commands
from pipeline.report.entries import entry
from pipeline.report.posters import Clip, Maker, clip_of, make_missing
from pipeline.store.layout import Layout
from pipeline.store.posters import LARGEST, PosterIndex, save
from tests.facts.conftest import film
from tests.facts.test_looking import scene
from tests.support.helpers import until
from tests.support.rendered import render

JOB = "model: luma-txt-2-video\nprompts: [{id: cat, prompt: c}, {id: dog, prompt: d}]\n"


@pytest.fixture
def films(tmp_path: Path) -> Callable[[str], bytes]:
    @cache  # an encoder does not make the same bytes twice
    def body(task: str) -> bytes:
        frames = scene(sum(task.encode()) % 9 + 1, 12)
        return film(tmp_path / "film.mp4", frames).read_bytes()

    return body


@pytest.fixture
def job(tmp_path: Path, films: Callable[[str], bytes]) -> Job:
    path = tmp_path / "job.yaml"
    path.write_text(JOB, "utf-8")
    render(path, body=films)
    return load(path)


def shown(job: Job) -> list[str]:
    folder = Layout(job.output_dir).posters
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_missing_posters_are_made_once_and_entries_name_them(job: Job) -> None:
    told: list[tuple[int, int]] = []
    assert make_missing(job, progress=lambda *of: told.append(of)).made == 2
    before = shown(job)
    assert [name.endswith(".strip.webp") for name in before] == [True, False] * 2
    assert make_missing(job).made == 0
    assert shown(job) == before
    data = gather(job, Commands(""))
    for record in data.records:
        assert record.output is not None
        assert record.sha256 is not None
        stem = f"./posters/{record.output.removesuffix('.mp4')}-{record.sha256[:12]}"
        one = entry(record, data)
        assert (one.poster, one.strip) == (f"{stem}.webp", f"{stem}.strip.webp")
        assert (one.poster_w, one.poster_h) == (160, 90)


@pytest.mark.parametrize("what", [b"", b"<script>1</script>", b"RIFF\xff\xff\xff\xffWEBPVP8X"])
def test_a_poster_that_is_no_picture_is_not_shown_and_made_again(job: Job, what: bytes) -> None:
    make_missing(job)
    place = Layout(job.output_dir).posters / shown(job)[1]
    whole = place.read_bytes()
    for bad in (what, whole + bytes(LARGEST)):
        place.write_bytes(bad)
        data = gather(job, lambda *_: "")
        one, _ = (entry(each, data) for each in data.records)
        assert (one.poster, one.strip) == (None, None)
        assert make_missing(job).made == 1
        assert place.read_bytes() == whole


def test_a_clip_that_was_superseded_keeps_its_poster_or_gets_it(job: Job) -> None:
    make_missing(job)
    index = PosterIndex(Layout(job.output_dir))
    (old, _) = gather(job, Commands("")).records
    moved = index.poster_of("superseded/cat.1.mp4", old.sha256)
    assert moved == index.poster_of(old.output or "", old.sha256)
    assert moved is not None
    assert moved.poster is not None
    layout = Layout(job.output_dir)
    for name in (moved.poster, moved.strip or ""):
        (layout.root / name).unlink()
    layout.superseded.mkdir()
    (layout.root / (old.output or "")).rename(layout.superseded / "cat.1.mp4")
    clip = Clip("superseded/cat.1.mp4", old.sha256 or "", old.output or "")
    assert make_missing(job, [clip]).made == 1
    assert PosterIndex(layout).poster_of("cat.mp4", old.sha256) == moved


def test_a_poster_is_never_of_other_bytes_than_the_records(job: Job) -> None:
    (record, _) = gather(job, Commands("")).records
    (job.output_dir / (record.output or "")).write_bytes(
        film(job.path.parent / "other.mp4", scene(8, 6)).read_bytes()
    )
    made = make_missing(job)
    assert (made.made, made.failed) == (1, 1)
    assert "changed since" in (made.fault or "")
    assert len(shown(job)) == 2


def test_faults_are_counted_and_cost_no_other_poster(tmp_path: Path, films: Callable) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(JOB, "utf-8")
    render(path, body=lambda task: b"\0\0\0\x18ftypmp42 no film" if task == "cat" else films(task))
    made = make_missing(load(path))
    assert (made.made, made.failed) == (1, 1)
    assert (made.fault or "").startswith("cat")


def test_no_link_is_followed(job: Job, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    layout = Layout(job.output_dir)
    layout.posters.symlink_to(elsewhere)
    with pytest.raises(DirectoryError):
        save(layout, "cat.mp4", "a" * 64, b"RIFF", None)
    made = make_missing(job)
    assert (made.made, made.failed) == (0, 2)
    assert not list(elsewhere.iterdir())
    layout.posters.unlink()
    (elsewhere / "film.mp4").write_bytes(films_of(job))
    (layout.root / "linked").symlink_to(elsewhere)
    digest = hashlib.sha256(films_of(job)).hexdigest()
    linked = make_missing(job, [Clip("linked/film.mp4", digest, "film.mp4")])
    assert (linked.made, linked.failed) == (0, 1)
    assert "is a link" in (linked.fault or "")


def films_of(job: Job) -> bytes:
    (record, _) = gather(job, Commands("")).records
    return (job.output_dir / (record.output or "")).read_bytes()


def test_drafts_of_killed_processes_are_removed_and_those_of_others_are_not(job: Job) -> None:
    folder = Layout(job.output_dir).posters
    folder.mkdir()
    killed, busy = folder / ".cat-0123.webp.77.new", folder / ".dog-0123.webp.78.new"
    killed.write_bytes(b"RIFF")
    with busy.open("wb") as draft:
        fcntl.flock(draft, fcntl.LOCK_EX)
        make_missing(job)
        assert not killed.exists()
        assert busy.exists()


def test_posters_are_made_beside_a_run_which_waits_for_none(job: Job) -> None:
    maker = Maker(Layout(job.output_dir))
    first, second = (clip_of(record) for record in gather(job, Commands("")).records)
    assert first is not None
    assert second is not None
    maker.put(first)
    child = until(lambda: [pid for one in maker._threads.values() if (pid := one.pid)])[0]
    os.kill(child, signal.SIGSTOP)  # a clip that takes long
    maker.put(second)
    assert not maker.wait(0)
    os.kill(child, signal.SIGCONT)
    assert maker.wait(60)
    assert maker.stop().made == 2
    maker.put(second)
    assert maker.stop().left == 1


def test_what_is_stopped_leaves_whole_posters_or_none(job: Job) -> None:
    maker = Maker(Layout(job.output_dir))
    for record in gather(job, Commands("")).records:
        maker.put(Clip(record.output or "", record.sha256 or "", record.output or ""))
    made = maker.stop()
    assert (made.made + made.left, made.failed) == (2, 0)
    assert not [name for name in shown(job) if not name.endswith(".webp")]


def test_without_the_extra_nothing_is_made(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagehash", None)
    assert make_missing(job).made == 0
    assert shown(job) == []


def test_clips_in_a_bucket_are_left_alone(job: Job) -> None:
    assert make_missing(replace(job, bucket="s3://bucket/prefix")).made == 0


def test_sounds_drawings_and_forged_hashes_have_no_poster(
    a_record: Callable[..., Record],
) -> None:
    good = "a" * 64
    assert clip_of(a_record(sha256=good)) is not None
    assert clip_of(a_record(sha256=good, output="a.mp3")) is None
    assert clip_of(a_record(sha256=good, output="a.svg")) is None
    assert clip_of(a_record(sha256="../" * 20)) is None
    assert clip_of(a_record()) is None


def test_long_names_and_folders_have_posters(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    output = f"day/{'é' * 120}.mp4"
    Image.new("RGB", (48, 27)).save(tmp_path / "still.webp")
    still = (tmp_path / "still.webp").read_bytes()
    save(layout, output, "b" * 64, still, still)
    found = PosterIndex(layout).poster_of(output, "b" * 64)
    assert found is not None
    assert (found.width, found.height) == (48, 27)
    assert found.poster is not None
    assert found.poster.startswith("posters/day-é")
    assert PosterIndex(layout).poster_of(output, "c" * 64) is None
