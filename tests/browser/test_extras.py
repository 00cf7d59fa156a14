"""Compare, reel, calendar, unfinished and the night, as people use them in a real browser."""

import base64
import csv
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import av
import icalendar
import pytest
from PIL import Image

from pipeline.cli.edge import run_command
from pipeline.models import task_key
from tests.browser.conftest import _browser as find_browser
from tests.support.rendered import render

# One visit of the browser serves all of them, and has its own bound.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(620)]

HERE = Path(__file__).parent
HOSTILE = '<script>hit = 1</script> "><img src=x onerror="hit = 1"> </script><!--'
LONG = "Eulen im Mondlicht 🦉 über den Dächern von Köln, wo jede Nacht; ja, anders beginnt"
GREETING = 'Hi, you; \\ "all"\nnext'
HEAD = ("id", "prompt", "publish", "channel", "caption")
ROWS = [
    ("cat", "a cat on a wall, warm light", "2026-12-01 09:30", "instagram", GREETING),
    ("dog", "a dog", "2026-12-02", "web", "-50 %"),
    ("emu", "an emu", "", "web", ""),
    ("fox", "a fox", "next tuesday", "web", ""),
    ("owl", "an owl", "2026-12-05T23:30+02:00", "youtube", LONG),
    ("hostile", HOSTILE, "2026-12-03", HOSTILE, HOSTILE),
    *((f"crowd{number}", f"One of {number}", "2027-01-05", "web", "") for number in range(5)),
]  # fmt: skip
WORDS = {
    "failed": {
        "what": "The provider failed, each time that it was asked.",
        "todo": "Try it again.",
        "command": "pipeline run 'my job.yaml' --retry failed",
    },
    "in_doubt": {
        "what": "The answer broke off; you may have paid for it.",
        "todo": "Settle it: the provider is asked, free.",
        "command": "pipeline settle 'my job.yaml'",
    },
    "pending": {"what": HOSTILE, "command": "pipeline run 'my job.yaml'"},
}

COUNTS = {"failed": 1, "in_doubt": 1, "pending": 12}

Seen = dict[str, Any]


def film(path: Path, width: int, height: int, seconds: int) -> bytes:
    """Write H.264 in which each frame differs, as the API sends it."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(12 * seconds):
            picture = Image.new("RGB", (width, height), (3 * number % 255, 90, 160))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return path.read_bytes()


def harnessed(page: Path, script: str) -> Path:
    """Give a page the script of the tests, with which its policy agrees."""
    text, ours = page.read_text("utf-8"), _ours()
    assert ours in text
    made = page.with_name(f"{page.stem}-tried.html")
    made.write_text(text.replace(ours, script).replace(_digest(ours), _digest(script)), "utf-8")
    return made


def _ours() -> str:
    return (resources.files("pipeline.report") / "page" / "page.js").read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def patched(page: Path, change: Callable[[list[Seen]], list[Seen]]) -> None:
    """Change the entries of a page."""
    text = page.read_text("utf-8")
    found = re.search(r'(?<=id="entries">).*?(?=</script>)', text, re.DOTALL)
    assert found
    data = json.dumps(change(json.loads(found[0]))).replace("<", "\\u003c")
    page.write_text(text[: found.start()] + data + text[found.end() :], "utf-8")


def dressed(entries: list[Seen]) -> list[Seen]:
    """Give entries what a run of weeks would: posts, earlier clips, verdicts, and failures."""
    known = {}
    for entry in entries:
        shape = entry["params"]["aspect_ratio"]
        own = entry["task"].partition("[")[0]
        entry |= {"post": own, "values": {"aspect_ratio": shape}}
        entry |= {"sha256": hashlib.sha256(entry["task"].encode()).hexdigest()}
        entry.pop("verdict", None)
        known[f"{own}-{1 if shape == '16:9' else 2}"] = entry
    before = {"prompt": "a cat on a roof, cold light", "aspect_ratio": "16:9"}
    older = {"kind": "video", "sha256": "0" * 64, "finished_at": "2026-11-19T03:00:00Z"}
    known["cat-1"]["versions"] = [
        {
            **older,
            "src": known["dog-1"]["src"],
            "file": "superseded/cat",
            "cost": 0.8,
            "params": before,
        }
    ]
    known["cat-1"]["poster"] = "./still.png"
    known["dog-2"]["verdict"] = "kept"
    known["hostile-1"]["verdict"] = known["hostile-2"]["verdict"] = "rejected"
    plain = {"model": "luma-txt-2-video", "params": {}, "attempts": 1}
    made: list[Seen] = [
        {"task": "still", "prompt": "A picture", "status": "succeeded", "kind": "image"},
        {"task": "failed", "prompt": "What failed", "status": "failed", "error": HOSTILE},
        {"task": "doubt", "prompt": "What is in doubt", "status": "in_doubt", "at_risk": 0.95},
        *({"task": f"todo-{n}", "prompt": "To come", "status": "pending"} for n in range(12)),
    ]
    made[0]["src"], made[1]["publish"] = "./still.png", "2026-12-04"
    for each in made:
        words = WORDS.get(str(each["status"]))
        entries.append(
            {**plain, "group": each["task"], "post": each["task"], "meta": {}}
            | each
            | ({"words": words} if words else {})
        )
    return entries


@pytest.fixture(scope="module")
def script(node: str) -> str:
    bundler = HERE / "node_modules/.bin/esbuild"
    if not bundler.exists():
        pytest.skip("esbuild is not installed: run tests/browser/setup")
    flags = ["--bundle", "--format=iife", "--target=es2022", "--charset=utf8"]
    return subprocess.run(
        [bundler, HERE / "harness.js", *flags],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a job with é")
    job = folder / "my job.yaml"
    shapes = 'matrix: {aspect_ratio: ["16:9", "9:16"]}'
    job.write_text(f"model: luma-txt-2-video\nprompts_from: rows.csv\n{shapes}\n", "utf-8")
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as sheet:
        csv.writer(sheet).writerows([HEAD, *ROWS])
    wide = film(folder / "wide.mp4", 160, 90, 4)
    tall = film(folder / "tall.mp4", 90, 160, 6)
    render(job, body=lambda task: tall if "9:16" in task else wide)
    return job


@pytest.fixture(scope="module")
def seen(job: Path, script: str, node: str, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    assert run_command(["report", str(job)]) == 0
    page = job.parent / "outputs" / "my job" / "report.html"
    Image.new("RGB", (32, 18), "teal").save(page.with_name("still.png"))
    big = page.with_name("big.html")
    (owl,) = page.parent.glob("owl-16-9-*.mp4")
    owl.unlink()  # after the report was made: only trying to play it tells
    big.write_text(page.read_text("utf-8"), "utf-8")
    patched(page, dressed)
    patched(big, lambda _: year())
    pages = [harnessed(each, script) for each in (page, big)]
    done = subprocess.run(
        [
            node,
            str(HERE / "visit-extras.mjs"),
            find_browser(),
            *(f"file://{quote(str(each))}" for each in pages),
        ],
        env={**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("profile"))},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def year() -> list[Seen]:
    """1,500 posts over twelve months."""
    return [
        {
            "task": f"shot-{number}",
            "post": f"shot-{number}",
            "group": f"shot-{number}",
            "status": "succeeded",
            "kind": "video",
            "src": "./wide.mp4",
            "prompt": f"Shot {number}",
            "model": "m",
            "publish": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
            "channel": ("instagram", "youtube")[number % 2],
        }
        for number in range(1_500)
    ]


def visit(seen: Seen, name: str) -> Seen:
    assert "error" not in seen[name], seen[name]["error"]
    return dict(seen[name])


WATCHED = (
    "compares",
    "judges in compare",
    "plays the reel",
    "plans",
    "saves the calendar",
    "reads what is unfinished",
    "holds a year of posts",
)


@pytest.mark.parametrize("name", WATCHED)
def test_nothing_is_complained_of_and_no_request_leaves(seen: Seen, name: str) -> None:
    there = visit(seen, name)
    assert [each for each in there["complaints"] if "ERR_FILE_NOT_FOUND" not in each] == []
    folder = there["requests"][0].partition("#")[0].rpartition("/")[0]
    inside = (f"{folder}/", "data:", f"blob:{folder[:7]}")
    assert [each for each in there["requests"] if not each.startswith(inside)] == []


# -- compare --------------------------------------------------------------------------------------


def test_takes_and_an_earlier_version_stand_side_by_side(seen: Seen) -> None:
    there = visit(seen, "compares")
    assert there["sides"][:2] == ["16:9", "9:16"]
    assert there["sides"][2].startswith("16:9 · Earlier of 19 Nov 2026")
    assert there["acts"][:2] == ["KeepReject♪", "KeepReject♪"]
    assert there["acts"][2] == "earlier version♪"
    assert there["focus"] == "1: 16:9"
    assert there["beyond"] <= 0  # what lies in the place of the scrollbar is not seen


def test_films_of_different_lengths_stay_in_step(seen: Seen) -> None:
    there = visit(seen, "compares")
    assert there["inStep"]
    # The clock is at 5 s: the films of 4 s rest on their last picture.
    assert there["rest"][1] == 5
    assert there["rest"][0] == there["rest"][2] == pytest.approx(4, abs=0.15)
    assert there["ended"] == 2
    assert there["stepped"] == pytest.approx(2 / 12, abs=0.03)


def test_only_what_differs_is_listed_and_prompts_word_by_word(seen: Seen) -> None:
    there = visit(seen, "compares")
    differs = there["differs"]
    assert differs["Aspect ratio"] == ["16:9", "9:16", "16:9"]
    assert differs["Duration"] == ["4 s", "6 s", "4 s"]
    assert differs["Picture"] == ["160 × 90", "90 × 160", "160 × 90"]
    assert differs["Cost"] == ["$0.95", "$0.95", "$0.80"]
    assert "Model" not in differs
    words = [(kind, text.strip()) for kind, text in there["marked"]]
    assert words == [("del", "wall"), ("ins", "roof"), ("del", "warm"), ("ins", "cold")]


def test_keys_choose_and_judge_a_side(seen: Seen) -> None:
    there = visit(seen, "judges in compare")
    assert there["second"] == "2: 9:16"
    assert there["pressed"] == ["Reject 1", "Keep 2"]
    assert "earlier version" in there["told"]
    assert there["afterClick"] == "1: 16:9"
    assert there["sound"] == [True, False, False]
    assert there["wipe"] == [[True, False], [True, True], [False, False]]
    assert there["back"] == "Calendar"


def test_of_more_than_four_a_person_chooses(seen: Seen) -> None:
    there = visit(seen, "chooses among many")
    assert there["first"] == [True, True, True, True, False]
    assert there["swapped"] == [True, True, True, False, True]
    assert there["fewer"] == [[False, True, True, False, True], 3]


def test_what_cannot_be_played_says_so_and_the_rest_plays(seen: Seen) -> None:
    there = visit(seen, "says what cannot be played")
    assert len(there["words"]) == there["films"] == 1
    assert there["words"][0].startswith("Cannot be played here")


# -- the reel -------------------------------------------------------------------------------------


def test_the_reel_plays_one_after_the_other_and_skips_what_is_not_there(seen: Seen) -> None:
    there = visit(seen, "plays the reel")
    assert there["order"] == [["an emu", True], ["A picture", False], ["-50 %", True], [LONG, True]]
    assert there["end"] == "5 shown · 1 without a clip to play left out"
    assert 1 <= there["most"] <= 2
    assert there["button"] == "Play again"


def test_keys_judge_in_the_reel_which_plays_the_kept_by_date(seen: Seen) -> None:
    there = visit(seen, "judges in the reel")
    assert there["paused"] == "Play"
    assert there["stays"] == "-50 %"
    assert there["words"] == ["kept", "rejected", "kept"]
    assert there["kept"] == "1 of 2"
    assert "Tuesday, 1 December 2026, 09:30" in there["facts"]
    assert there["back"] == "Calendar"


# -- the calendar ---------------------------------------------------------------------------------


def test_a_month_shows_posts_with_channel_verdict_and_state(seen: Seen) -> None:
    there = visit(seen, "plans")
    assert there["title"] == "December 2026"
    month = there["month"]
    assert list(month) == [f"2026-12-0{day}" for day in range(1, 6)]
    assert month["2026-12-01"] == ['IGinstagram: 09:30 Hi, you; \\ "all" ×2']
    assert month["2026-12-04"] == ["Failed: What failed"]
    assert HOSTILE in month["2026-12-03"][0]
    assert [state.split()[1] for state in there["states"]] == [
        "succeeded", "kept", "rejected", "failed", "succeeded",
    ]  # fmt: skip
    assert "./still.png" in there["stills"]
    assert there["films"] == 0


def test_what_has_no_date_lies_in_a_tray(seen: Seen) -> None:
    there = visit(seen, "plans")
    assert len(there["tray"]) == 2 + 2 + 12  # emu and fox, still and doubt, what is to do
    assert there["remark"].startswith("“next tuesday” is no date")


def test_weeks_months_and_days_have_addresses(seen: Seen) -> None:
    there = visit(seen, "plans")
    address, title, days = there["week"]
    assert address == "#view=calendar&period=2026-12-01"
    assert title == "Week of 30 November 2026"
    assert days[0] == "2026-12-01"
    assert there["next"] == ["Week of 7 December 2026", "Next week"]
    assert there["months"] == ["December 2026 (5)", "January 2027 (5)"]
    assert there["january"] == [1, [3]]
    assert there["day"] == ["#day=2027-01-05&period=2027-01", "10 of 37 clips"]
    assert there["wrong"] == "December 2026"


def test_only_the_month_that_is_shown_is_in_the_page(seen: Seen) -> None:
    there = visit(seen, "holds a year of posts")
    assert there["months"] == 1
    assert there["events"] <= 31 * 3
    assert there["options"] == 12
    assert there["films"] == 0


def test_the_calendar_file_has_the_events_of_export(
    seen: Seen, job: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    name, text = visit(seen, "saves the calendar")["all"]
    assert name == "posts.ics"
    assert all(len(line) <= 75 for line in text.encode().split(b"\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    assert run_command(["export", str(job), "--to", "ics"]) == 0
    exported = capfdbinary.readouterr().out
    page, command = (icalendar.Calendar.from_ical(each) for each in (text, exported))
    assert [fields(each) for each in page.walk("VEVENT")] == [
        fields(each) for each in command.walk("VEVENT")
    ]
    assert len(page.walk("VEVENT")) == 5


def fields(event: Any) -> dict[str, str]:
    """What an event says, with addresses as paths."""
    found = {name: event[name].to_ical().decode() for name in event if name != "ATTACH"}
    attached = event["ATTACH"]
    files = [unquote(each) for each in (attached if isinstance(attached, list) else [attached])]
    return found | {"files": " ".join(files)}


def test_the_calendar_of_the_kept_has_only_those(seen: Seen) -> None:
    _, text = visit(seen, "saves the calendar")["kept"]
    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert event["UID"] == f"{task_key('my job/dog[aspect_ratio=9:16]')}@overnight-pipeline"


def test_on_paper_the_calendar_has_no_controls(seen: Seen) -> None:
    assert visit(seen, "prints")["shown"] == [False, False, True, True, True]


# -- what is unfinished, and the night ------------------------------------------------------------


def test_reasons_are_in_peoples_words_under_commands_to_copy(seen: Seen) -> None:
    there = visit(seen, "reads what is unfinished")
    assert there["blocks"] == ["failed", "in_doubt", "pending"]
    assert there["reasons"] == [f"{WORDS[kind]['what']} {count}" for kind, count in COUNTS.items()]
    assert there["commands"] == [WORDS[kind]["command"] for kind in COUNTS]
    assert there["holders"] == [[kind, WORDS[kind]["command"]] for kind in COUNTS]
    assert all("Copy the command: " in each for each in there["copies"])
    assert there["folded"] == ["Which 12 these are"]
    assert there["hit"] is False


def test_what_comes_since_gets_a_block_of_its_own(seen: Seen) -> None:
    moved = dict(visit(seen, "reads what is unfinished")["moved"])
    assert moved == {"failed": 0, "in_doubt": 1, "accepted": 1, "pending": 12}


def test_the_night_is_drawn_again_when_there_is_another(seen: Seen) -> None:
    there = visit(seen, "hears of another night")
    assert there["one"].startswith("The night: At most 3 in flight, 3 finished")
    assert there["two"][0].startswith("The night: At most 7 in flight")
    assert there["two"][1] == 2
    assert there["chosen"].startswith("The night: At most 3 in flight")


# -- all of them ----------------------------------------------------------------------------------


def test_axe_finds_nothing_light_or_dark_wide_or_narrow(seen: Seen) -> None:
    assert visit(seen, "is accessible")["found"] == {}


def test_nothing_is_wider_than_its_window(seen: Seen) -> None:
    widths = visit(seen, "is accessible")["widths"]
    assert {name: wide for name, wide in widths.items() if max(wide) > 0} == {}
