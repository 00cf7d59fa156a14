"""What clips are like: recorded by the run, flagged where people look, and shown by `inspect`."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.ledger.manifest import read
from pipeline.models import Facts
from sandbox.testing import Sandbox
from tests.cli.conftest import Command

pytestmark = pytest.mark.few(1)

# The sandbox's tiny clip.
TINY = Facts(
    width=16, height=16, duration_s=1.0, codec="h264", audio=False, content_credentials=False
)


def write(path: Path, **keys: Any) -> Path:
    job = {
        "model": "luma-txt-2-video",
        "prompts": [
            {"id": "wide", "prompt": "a lighthouse", "params": {"aspect_ratio": "16:9"}},
            {"id": "square", "prompt": "a harbour", "params": {"aspect_ratio": "1:1"}},
        ],
        "credits": {"cost": 0.95},
    }
    path.write_text(json.dumps({**job, **keys}, indent=1), encoding="utf-8")
    return path


def clips(pipeline: Command, job: Path, *more: str) -> dict[str, dict[str, Any]]:
    found = json.loads(pipeline("inspect", job, "--json", *more).out)
    return {clip["task"]: clip for clip in found["clips"]}


def test_what_is_not_as_expected_is_flagged_and_never_rendered_again(
    pipeline: Command, sandbox: Sandbox, tmp_path: Path
) -> None:
    job = write(tmp_path / "job.yaml", expect={"aspect_ratio": True, "audio": "no"})
    done = pipeline("run", job)
    assert done.code == 0
    warning = next(line for line in done.err.splitlines() if "not as expected" in line)
    assert warning.startswith("warning: 1 clip is not as expected: wide-")
    records = {record.task: record for record in read(tmp_path / "outputs/job/manifest.jsonl")}
    assert records["wide"].media == records["square"].media == TINY
    assert json.loads(pipeline("status", job, "--json").out)["flagged"] == 1
    plan = json.loads(pipeline("check", job, "--json").out)
    assert (plan["flagged"], plan["to_do"]) == (1, 0)
    found = clips(pipeline, job)
    assert found["wide"]["media"]["width"] == 16
    assert found["wide"]["flags"] == [{"key": "aspect_ratio", "found": "16×16", "expected": "16:9"}]
    assert found["square"]["flags"] == []
    page = (tmp_path / "outputs/job/report.html").read_text(encoding="utf-8")
    assert page.count('"flags":["aspect ratio 16×16, expected 16:9"]') == 1
    before = sandbox.books()["requests"]
    assert pipeline("run", job).code == 0
    assert sandbox.books()["requests"] == before


def test_what_is_expected_can_be_said_later(pipeline: Command, tmp_path: Path) -> None:
    job = write(tmp_path / "job.yaml")
    assert "not as expected" not in pipeline("run", job, "--no-report").err
    assert json.loads(pipeline("status", job, "--json").out)["flagged"] == 0
    write(job, expect={"min_duration": "4s"})
    assert json.loads(pipeline("status", job, "--json").out)["flagged"] == 2
    assert "2 clips are not as expected" in pipeline("check", job).out
    words = pipeline("inspect", job, "wide").out
    assert "16×16  1 s  h264  no sound" in words
    assert "! duration 1 s, expected at least 4 s" in words
    assert words.endswith("1 clip; 1 clip is not as expected\n")


def test_clips_of_records_without_facts_are_read_from_their_files(
    pipeline: Command, tmp_path: Path
) -> None:
    job = write(tmp_path / "job.yaml", expect={"max_width": 8})
    assert pipeline("run", job, "--no-report").code == 0
    manifest = tmp_path / "outputs/job/manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    manifest.write_text("".join(json.dumps({**one, "media": None}) + "\n" for one in lines))
    assert json.loads(pipeline("status", job, "--json").out)["flagged"] == 0  # it is not known
    next(tmp_path.glob("outputs/job/square*.mp4")).unlink()
    found = clips(pipeline, job, "--no-frames")
    assert [flag["key"] for flag in found["wide"]["flags"]] == ["max_width"]
    assert (found["square"]["missing"], found["square"]["media"]["width"]) == (True, None)
    assert found["wide"]["black"] is None  # not looked for


def test_frames_are_looked_at_and_takes_compared(pipeline: Command, tmp_path: Path) -> None:
    job = write(tmp_path / "job.yaml", prompts=[{"id": "a", "prompt": "a cat"}], takes=2)
    assert pipeline("run", job, "--no-report").code == 0
    found = json.loads(pipeline("inspect", job, "--json").out)
    assert found["looked"] is True
    first, second = found["clips"]
    assert second["twin_of"] == first["task"]
    assert first["twin_of"] is None
    assert first["fault"] is None


def test_a_pattern_that_matches_nothing_is_refused(pipeline: Command, tmp_path: Path) -> None:
    job = write(tmp_path / "job.yaml")
    done = pipeline("inspect", job, "wiide")
    assert done.code == 2
    assert "did you mean wide?" in done.err
    assert pipeline("inspect", job).out == "0 clips; the job has no `expect`\n"


def test_a_link_in_place_of_a_folder_is_not_followed(pipeline: Command, tmp_path: Path) -> None:
    job = write(tmp_path / "job.yaml", output={"name": "clips/{{ id }}"})
    assert pipeline("run", job, "--no-report").code == 0
    folder = tmp_path / "outputs/job/clips"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    done = pipeline("inspect", job)
    assert done.code == 2
    assert "is a link" in done.err
