"""The page as `pipeline view` serves it, with the real run and sandbox, and a stub at its worst."""

import json
import os
import subprocess
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from stub_view import stubbed
from support.rendered import render as rendered
from support.serving import serving

from pipeline.models import Record, Status, rfc3339
from pipeline.report import collect
from pipeline.report.render import render
from sandbox.testing import Sandbox

HERE = Path(__file__).parent
TASKS = 24
COUNTS = {"total": 3, "succeeded": 1, "failed": 1, "in_doubt": 1, "pending": 0}

# One visit of the browser serves all of them, and has its own bound.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

Seen = dict[str, Any]


def _jobs(folder: Path) -> list[Path]:
    told = [
        {
            "id": f"shot-{number}",
            "prompt": f"Shot {number} of the night" + (" [[fail 422]]" if number == 3 else ""),
            "meta": {"campaign": "Spring"},
        }
        for number in range(TASKS)
    ]
    job = {"model": "luma-txt-2-video", "credits": {"cost": 0.95}, "concurrency": 2}
    night, other = folder / "night.yaml", folder / "other.yaml"
    night.write_text(json.dumps({**job, "output": {"dir": "night"}, "prompts": told}))
    other.write_text(json.dumps({**job, "output": {"dir": "other"}, "prompts": ["One", "Two"]}))
    rendered(other)
    return [night, other]


def _page() -> tuple[str, list[dict[str, Any]]]:
    """Make a page with a clip, a failure and a doubt, as it is served; and its entries."""
    records = [
        _record("one", "A clip", Status.SUCCEEDED, output="one.mp4"),
        _record("two", "What failed", Status.FAILED, error="400: refused"),
        _record("three", "What is in doubt", Status.IN_DOUBT, at_risk=Decimal("0.95")),
    ]

    def command(*flags: str) -> str:
        return " ".join(("pipeline run job.yaml", *flags))

    data = collect(records, name="stub", command=command, generated_at=rfc3339(time.time()))
    entries: list[dict[str, Any]] = [
        {
            "task": record.task,
            "group": record.task,
            "status": str(record.status),
            "prompt": record.params["prompt"],
            "at_risk": float(record.at_risk or 0),
        }
        for record in records
    ]
    return "".join(render(data, {"base": "./"})), entries


def _record(task: str, prompt: str, status: Status, **fields: Any) -> Record:
    params = {"prompt": prompt}
    return Record(task=task, status=status, model="m", params=params, fingerprint="f", **fields)


@pytest.fixture(scope="module")
def seen(chromium: str, node: str, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("live")
    state = {
        "running": True, "state": "running", "in_flight": 2, "accepted": 0, "counts": COUNTS,
        "spent": 0.95, "at_risk": 0.95, "remaining_credits": 98.1, "concurrency": 2,
        "rate": None, "budget": 20, "now": time.time(),
    }  # fmt: skip
    page, entries = _page()
    with (
        Sandbox(latency=0.6, clips="tiny", credits=1_000) as sandbox,
        serving(_jobs(folder), sandbox.url) as address,
        stubbed(page, entries, state) as stub,
    ):
        first = address.replace("/?", "/night/?")
        done = subprocess.run(
            [node, str(HERE / "visit-live.mjs"), chromium, first, stub.url],
            env={**os.environ, "TMPDIR": str(folder)},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told: Seen = json.loads(done.stdout)
    return told


def visit(seen: Seen, name: str) -> Seen:
    there: Seen = seen[name]
    assert "error" not in there, there["error"]
    return there


@pytest.mark.parametrize(
    "name",
    [
        "a night", "several jobs", "garbage and hostile texts", "doubts and failures",
        "fifty events a second",
    ],
)  # fmt: skip
def test_nothing_is_complained_of_and_no_request_goes_to_another_host(
    seen: Seen, name: str
) -> None:
    there = visit(seen, name)
    # What is asked for on purpose: a rate that is none.
    assert [each for each in there["complaints"] if "400 (Bad Request)" not in each] == []
    home = "/".join(there["requests"][0].split("/")[:3])
    assert [url for url in there["requests"] if not url.startswith((f"{home}/", "data:"))] == []


def test_a_run_is_started_with_its_price_and_seen_as_it_goes(seen: Seen) -> None:
    night = visit(seen, "a night")
    assert "token" not in night["address"]
    assert f"{TASKS} clips are rendered for about $22.80." in night["question"]
    assert night["reading"] == f"{TASKS - 1} of {TASKS} ready · 1 failed"
    assert "it went through; some failed or are in doubt" in night["log"]
    assert night["flight"] == 0
    assert night["last"] == {"clips": TASKS - 1, "without": TASKS - 1}


def test_a_pause_is_obeyed_and_settings_reach_the_other_page(seen: Seen) -> None:
    night = visit(seen, "a night")
    assert night["grewInThePause"] == 0
    assert "rate" in night["fault"]
    assert night["closed"] == "SUMMARY"


def test_what_is_rejected_in_one_page_is_rendered_again_from_another(seen: Seen) -> None:
    night = visit(seen, "a night")
    assert "Render 1 rejected clip again?" in night["again"]
    assert "1 clip is rendered for about $0.95." in night["again"]


def test_several_jobs_share_a_first_page(seen: Seen) -> None:
    front = visit(seen, "several jobs")
    assert front["names"] == ["night", "other"]
    assert front["states"] == ["Ended", "Finished"]
    assert "Spring" in front["costs"]


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("a night", "asking"), ("a night", "controls"), ("a night", "light"), ("a night", "dark"),
        ("several jobs", "light"), ("several jobs", "dark"), ("doubts and failures", "axe"),
    ],
)  # fmt: skip
def test_axe_finds_nothing(seen: Seen, name: str, when: str) -> None:
    assert visit(seen, name)[when] == []


def test_hostile_texts_are_text_and_garbage_is_left_out(seen: Seen) -> None:
    there = visit(seen, "garbage and hostile texts")
    assert there["hit"] is False
    assert there["images"] == 0
    assert len(there["cards"]) == 6


def test_a_page_whose_server_was_away_says_so_and_has_everything_again(seen: Seen) -> None:
    there = visit(seen, "away and back")
    assert there["away"] == "The server is away. The page connects again by itself."
    assert "open the address that `pipeline view` prints" in there["over"]


def test_a_doubt_is_settled_only_after_a_question(seen: Seen) -> None:
    there = visit(seen, "doubts and failures")
    assert "$0.95 was charged?" in there["question"]
    assert there["none"] == 1
    assert there["posted"] == [
        {"path": "/settle", "body": {}},
        {"path": "/settle", "body": {"tasks": ["three"], "word": "not_billed"}},
    ]
    assert there["refused"] == "A run is in progress: wait for its end."
    assert "2 requests in flight end and are saved" in there["stop"]
    assert there["stopped"] == {"path": "/control", "body": {"action": "stop"}}


def test_the_page_stays_responsive_at_fifty_events_a_second(seen: Seen) -> None:
    there = visit(seen, "fifty events a second")
    assert there["median"] < 100  # milliseconds by which a timer is late
