"""The page in a stock Firefox, which differs in what a policy means for files, and in codecs."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.serving import serving

from sandbox.testing import Sandbox
from tests.browser.conftest import HOSTILE, HOW
from tests.browser.test_live_page import TASKS, _jobs

HERE = Path(__file__).parent
NO_PICTURE = "is not beside this page, or"

# One visit of the browser serves all of them, and has its own bound.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def firefox() -> str:
    found = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if found is None:
        pytest.skip(f"there is no Firefox: install one, name it in FIREFOX, or {HOW}")
    if not (HERE / "node_modules" / "puppeteer-core").is_dir():
        pytest.skip(f"puppeteer-core is not installed: {HOW}")
    return found


@pytest.fixture(scope="module")
def seen(
    firefox: str,
    node: str,
    pages: list[str],
    downloads: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Seen:
    local, _, night, _ = pages
    profile = tmp_path_factory.mktemp("firefox")
    with (
        Sandbox(latency=0.3, clips="tiny", credits=1_000) as sandbox,
        serving(_jobs(profile), sandbox.url) as address,
    ):
        first = address.replace("/?", "/night/?")
        done = subprocess.run(
            [node, str(HERE / "visit-firefox.mjs"), firefox, local, night, first, str(downloads)],
            env={**os.environ, "TMPDIR": str(profile), "HOME": str(profile)},
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


def saved(downloads: Path, pattern: str) -> Path:
    """Return a file that the browser writes, as soon as it is whole."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = [each for each in downloads.glob(pattern) if each.stat().st_size]
        if found and not list(downloads.glob("*.part")):
            return found[0]
        time.sleep(0.1)
    raise AssertionError([each.name for each in downloads.iterdir()])


@pytest.mark.parametrize("name", ["opens", "plays", "culls", "compares", "calendar", "live"])
def test_nothing_is_complained_of_and_no_request_goes_to_another_host(
    seen: Seen, name: str
) -> None:
    there = visit(seen, name)
    assert there["complaints"] == []
    home = "/".join(there.get("address", "file:///").split("/")[:3])
    allowed = (f"{home}/", "data:", "blob:")
    assert [url for url in there["requests"] if not url.startswith(allowed)] == []


def test_the_policy_refuses_pictures_and_requests_of_other_hosts(seen: Seen) -> None:
    there = visit(seen, "refuses what the page does not name")
    assert there["fetched"] == "TypeError"
    # Firefox says so a second time, in words of its own.
    refused = [each.split()[1] for each in there["complaints"] if each.startswith("refused: ")]
    assert refused == ["img-src", "connect-src"]
    assert [url for url in there["requests"] if url.startswith("http")] == []


def test_the_page_opens_from_a_file_and_hostile_texts_are_text(seen: Seen) -> None:
    there = visit(seen, "opens")
    assert there["count"] == "17 clips"
    assert HOSTILE in there["titles"]
    assert there["title"] == f"Simulated · {HOSTILE}"
    assert there["hit"] is False
    assert there["poster"] == 160


def test_a_film_plays_or_the_page_says_that_it_cannot(seen: Seen) -> None:
    film = visit(seen, "plays")["film"]
    assert film == {"widths": [160]} or NO_PICTURE in film["said"]


def test_clips_are_culled_by_keyboard_and_the_picks_are_saved(seen: Seen, downloads: Path) -> None:
    there = visit(seen, "culls")
    assert there["progress"] == "10 of 300 seen · 8 kept · 2 rejected"
    assert "10" in there["save"]
    picks = saved(downloads, "*picks*.jsonl").read_text("utf-8")
    words = [json.loads(line) for line in picks.splitlines()]
    assert sum(word.get("verdict") == "kept" for word in words) == 8
    assert [word["note"] for word in words if word.get("verdict") == "rejected"] == [
        "Hands in 4",
        "Hands in 9",
    ]


def test_takes_play_in_step_or_say_that_they_cannot(seen: Seen) -> None:
    there = visit(seen, "compares")
    assert there["sides"] == 2
    if "said" in there["films"]:
        assert "cannot show it" in there["films"]["said"]
    else:
        assert there["films"] == {"widths": [160, 160]}
        assert there["apart"] < 0.1


def test_the_calendar_is_saved(seen: Seen, downloads: Path) -> None:
    assert visit(seen, "calendar")["days"] >= 3
    assert saved(downloads, "*.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")


def test_a_run_is_started_and_seen_by_the_live_page(seen: Seen) -> None:
    there = visit(seen, "live")
    assert "token" not in there["address"]
    assert (there["before"], there["after"]) == (0, TASKS - 1)
