"""A night of three hundred clips, and the morning after: the real run, view and bundle."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import icalendar
import pytest
from support.serving import serving

from sandbox.testing import Sandbox

HERE = Path(__file__).parent
CLIPS = 300
HOSTILE = '"><img src=x onerror="hit = 1"></script><script>hit = 1</script>'
NAME = 'the night <img src=x onerror="hit = 1"><svg onload="hit = 1">'
HALF = range(CLIPS // 2)

# One morning serves all of them, and has its own bound.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

Seen = dict[str, Any]


def _job(number: int) -> dict[str, Any]:
    hostile = number % 50 == 7
    return {
        "id": f"shot-{number:03}",
        "prompt": HOSTILE + f" {number}" if hostile else f"Shot {number} of the night",
        "meta": {
            "publish": f"2026-12-{number % 28 + 1:02}",
            "channel": HOSTILE if hostile else "instagram",
            "campaign": "Spring",
        },
    }


def _jobs(folder: Path) -> list[Path]:
    night, other = folder / "night.yaml", folder / "other.yaml"
    job = {"model": "luma-txt-2-video", "credits": {"cost": 0.95}, "concurrency": 4}
    told = [_job(number) for number in range(CLIPS)]
    night.write_text(json.dumps({**job, "name": NAME, "output": {"dir": "night"}, "prompts": told}))
    other.write_text(json.dumps({**job, "output": {"dir": "other"}, "prompts": ["One", "Two"]}))
    return [night, other]


def _pipeline(folder: Path, url: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        env={**os.environ, "SEGMIND_API_KEY": "sk-live", "SEGMIND_BASE_URL": url},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _visit(node: str, chromium: str, folder: Path, kind: str, address: str) -> Seen:
    done = subprocess.run(
        [node, str(HERE / "visit-morning.mjs"), chromium, str(folder), kind, address],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: Seen = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("morning")


@pytest.fixture(scope="module")
def seen(chromium: str, node: str, folder: Path) -> Seen:
    jobs = _jobs(folder)
    # By night many small clips, and a film of some seconds that is compared with its next version:
    # the same process renders that again, as another one would give the same bytes.
    with Sandbox(latency=0.5, credits=100) as sandbox:
        _pipeline(folder, sandbox.url, "run", "night.yaml", "--only", "shot-022")
        with Sandbox(latency=0, clips="tiny", credits=1_000) as fast:
            _pipeline(folder, fast.url, "run", "night.yaml", "--concurrency", "40")
            _pipeline(folder, fast.url, "run", "other.yaml")
        with serving(jobs, sandbox.url) as address:
            told = _visit(node, chromium, folder, "view", address)
        told["charged"] = sandbox.books()["charged"]
    told["verdicts"] = _verdicts(folder)
    away = folder / "away"
    away.mkdir()
    bundle = away / "picks #1 é.html"
    _pipeline(folder, "", "report", "night.yaml", "--bundle", "--out", str(bundle))
    return told | _visit(node, chromium, folder, "bundle", bundle.as_uri())


def _verdicts(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "night" / "verdicts.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def visit(seen: Seen, name: str) -> Seen:
    there: Seen = seen[name]
    assert "error" not in there, there["error"]
    return there


def _expected() -> tuple[set[str], set[str]]:
    """Name what is kept and rejected: of the first half, then of the first 150 not seen yet."""
    everything = [f"shot-{number:03}" for number in range(CLIPS)]
    kept = {everything[n] for n in HALF if n % 5 == 0}
    rejected = {everything[n] for n in HALF if n % 15 == 7}
    unseen = [name for name in everything if name not in kept | rejected]
    kept |= {unseen[n] for n in HALF if n % 5 == 0}
    rejected |= {unseen[n] for n in HALF if n % 15 == 7}
    return kept, rejected


def test_three_hundred_clips_are_culled_with_the_keyboard_alone(seen: Seen) -> None:
    morning = visit(seen, "morning")
    assert morning["culled"] == [
        "80 of 300 seen · 60 kept · 20 rejected",
        "220 of 300 clips",
    ]
    assert morning["lost"] == []
    last = {word["task"]: word for word in seen["verdicts"]}
    kept, rejected = _expected()
    assert {task for task, word in last.items() if word["verdict"] == "kept"} == kept
    assert {task for task, word in last.items() if word["verdict"] == "rejected"} == rejected
    notes = {word["note"] for task, word in last.items() if task in rejected}
    assert all(note.startswith(("Hands", "Too dark")) for note in notes)


def test_the_focus_is_never_lost(seen: Seen) -> None:
    morning = visit(seen, "morning")
    assert morning["afterFilter"] == "Filter"
    assert morning["afterChip"] != ""
    assert morning["stays"] is True
    assert "card" in morning["back"].split()


def test_what_is_rejected_is_rendered_again_and_seen_as_it_comes_in(seen: Seen) -> None:
    morning = visit(seen, "morning")
    assert "Render 20 rejected clips again?" in morning["question"]
    assert "20 clips are rendered for about $19.00." in morning["question"]
    assert seen["charged"] == "19.95"  # and the one by night
    spent = {line[2] for line in morning["told"]}
    assert len(spent) > 3, morning["told"]
    assert any("in flight" in line[1] for line in morning["told"])
    rejected = {line[3].rpartition(" · ")[2] for line in morning["told"]}
    assert {"20 rejected", "0 rejected"} < rejected, morning["told"]
    assert morning["afterRun"] == "60 of 300 seen · 60 kept · 0 rejected"
    assert morning["verdict"] == 0


def test_a_new_clip_plays_in_step_with_the_one_before(seen: Seen) -> None:
    morning = visit(seen, "morning")
    assert len(morning["sides"]) == 2
    assert "earlier" in morning["sides"][1].lower()
    assert morning["inStep"] is True


def test_the_calendar_is_what_the_command_exports(seen: Seen, folder: Path) -> None:
    visit(seen, "morning")
    everything = {f"shot-{number:03}" for number in range(CLIPS)}
    for name, flags, clips in (("all", [], everything), ("kept", ["--kept"], _expected()[0])):
        saved = (folder / f"{name}.ics").read_bytes()
        there = icalendar.Calendar.from_ical(saved)
        # A channel's clips of one day are one event.
        told = [_job(int(task[-3:]))["meta"] for task in clips]
        events = {(meta["publish"], meta["channel"]) for meta in told}
        assert len(there.walk("VEVENT")) == len(events)
        out = folder / f"{name}-by-command.ics"
        _pipeline(folder, "", "export", "night.yaml", "--to", "ics", *flags, "--out", str(out))
        assert out.read_bytes() == saved


def test_axe_finds_nothing(seen: Seen) -> None:
    assert visit(seen, "morning")["axe"] == {}
    assert len(visit(seen, "morning")["checked"]) == 18
    assert visit(seen, "Ada")["axe"] == {}


def test_no_request_leaves_and_nothing_is_complained_of(seen: Seen) -> None:
    morning = visit(seen, "morning")
    home = "/".join(morning["requests"][0].split("/")[:3])
    assert home.startswith("http://127.0.0.1:")
    assert [url for url in morning["requests"] if not url.startswith((f"{home}/", "data:"))] == []
    assert morning["complaints"] == []
    for name in ("Ada", "Bo"):
        there = visit(seen, name)
        assert [u for u in there["requests"] if not u.startswith(("file:", "data:", "blob:"))] == []
        assert there["complaints"] == []


def test_hostile_names_prompts_and_notes_stay_inert(seen: Seen) -> None:
    assert visit(seen, "morning")["inert"] == [True, True, True]
    assert visit(seen, "Ada")["inert"] is True
    notes = [word["note"] for word in seen["verdicts"]]
    assert any(note and "<script>hit = 1" in note for note in notes)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "another.example"])
def test_another_site_cannot_call_the_server(seen: Seen, host: str) -> None:
    there = visit(seen, "another site")
    assert there["own"] == 200
    told = there[host]["told"]
    assert {told.pop(name) for name in ("plain", "run")} <= {"opaque", "refused"}
    assert told.pop("beacon") in {"true", "false"}
    assert set(told.values()) == {"refused"}, told
    assert there[host]["framed"] == 0
    assert [status for status in there[host]["statuses"] if status[1] < 400] == []
    assert there["unchanged"] is True


def test_a_name_that_is_made_to_mean_this_machine_is_refused(seen: Seen) -> None:
    assert visit(seen, "another site")["rebound"] == [421, 421, 421, 421]


def test_the_bundle_opens_offline_and_picks_of_two_people_are_merged(
    seen: Seen, folder: Path
) -> None:
    assert visit(seen, "Ada")["file"].endswith(".jsonl")
    assert visit(seen, "Bo")["file"].endswith(".jsonl")
    before = len(_verdicts(folder))
    # The later word is taken in first: what counts is when it was said.
    for name in ("Bo", "Ada"):
        _pipeline(folder, "", "pick", "night.yaml", "--import", str(folder / f"{name}.jsonl"))
    words = _verdicts(folder)[before:]
    first = [word for word in words if word["task"] == "shot-000"]
    assert {(word["by"], word["verdict"]) for word in first} == {
        ("Ada", "kept"),
        ("Bo", "rejected"),
    }
    listed = json.loads(_pipeline(folder, "", "pick", "night.yaml", "--json"))
    verdicts = {each["task"]: each for each in listed}
    assert (verdicts["shot-000"]["verdict"], verdicts["shot-000"]["by"]) == ("rejected", "Bo")
    assert (verdicts["shot-001"]["verdict"], verdicts["shot-001"]["by"]) == ("kept", "Ada")
    assert (verdicts["shot-002"]["verdict"], verdicts["shot-002"]["by"]) == ("kept", "Bo")
