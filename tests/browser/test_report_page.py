import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.calling import Host
from pipeline.cli.edge import run_command
from pipeline.ledger import verdicts
from pipeline.ledger.formats import FORMAT
from pipeline.store.layout import Layout

# One visit of the browser serves all of them, and has its own bound.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(620)]

Seen = dict[str, Any]
HOSTILE = '<script>hit = 1</script> "><img src=x onerror="hit = 1"> </script><!--'


def visit(seen: Seen, name: str) -> Seen:
    assert "error" not in seen[name], seen[name]["error"]
    return seen[name]


def test_the_page_opens_from_a_file_with_every_task(seen: Seen) -> None:
    there = visit(seen, "opens")
    assert there["count"] == "17 clips"
    # Two of them are takes of one post, which has one card.
    assert len(there["titles"]) == 16
    assert there["night"].startswith("The night: At most 3 in flight, 15 finished, 1 failed")


@pytest.mark.parametrize(
    "name",
    [
        "opens",
        "plays",
        "scrubs with a strip",
        "filters",
        "calendar",
        "unfinished",
        "details",
        "has a key for everything",
        "culls a night by keyboard",
        "holds a thousand",
    ],
)
def test_nothing_is_complained_of_and_no_request_leaves_the_page(seen: Seen, name: str) -> None:
    there = visit(seen, name)
    # A clip that went after the report was made can only be found out by asking for it.
    assert [each for each in there["complaints"] if "ERR_FILE_NOT_FOUND" not in each] == []
    folder = there["requests"][0].rpartition("/")[0]
    assert folder.startswith("file:///")
    assert all(request.startswith(folder + "/") for request in there["requests"])


def test_a_prompt_and_a_name_with_markup_show_as_text(seen: Seen) -> None:
    there = visit(seen, "opens")
    assert HOSTILE in there["titles"]
    assert there["heading"] == HOSTILE
    assert there["title"] == f"Simulated · {HOSTILE}"
    assert there["hit"] is False
    assert there["images"] == 2


def test_clips_play(seen: Seen) -> None:
    there = visit(seen, "plays")
    for clip in (there["loop"], there["odd"]):
        assert clip["time"] > 0
        assert (clip["width"], clip["height"]) == (160, 90)
        assert all(clip[name] for name in ("controls", "muted", "inline"))
    assert there["loop"]["loop"] is True
    assert there["alone"] <= 1


def test_a_clip_at_rest_shows_its_first_frame(seen: Seen) -> None:
    there = visit(seen, "shows the first frame of a clip that nobody plays")
    assert there == {"paused": True, "controls": False, "preload": "metadata"}


def test_a_mouse_over_a_clip_previews_it_unless_motion_is_unwanted(seen: Seen) -> None:
    there = visit(seen, "previews")
    assert there["no-preference"] == {"over": 1, "after": 0}
    assert there["reduce"] == {"over": 0, "after": 0}


def test_a_mouse_that_moves_leafs_through_the_strip_and_loads_no_film_until_it_rests(
    seen: Seen,
) -> None:
    there = visit(seen, "scrubs with a strip")
    assert there["tiles"] == [[False, "0"], [False, "4"], [False, "8"]]
    assert there["before"] == 0
    assert there["after"] == 1


def test_text_status_and_meta_filter_the_clips(seen: Seen) -> None:
    there = visit(seen, "filters")
    assert there["text"] == ["1 of 17 clips", ["A lighthouse at dusk"], "#q=lighthouse+DUSK"]
    assert there["status"] == ["1 of 17 clips", ["What failed"]]
    assert there["chip"] == ["Status: Failed", "Clear filters"]
    titles, address = there["meta"]
    assert address == "#meta.channel=youtube"
    assert "An odd name" in titles
    assert "A lighthouse at dusk" not in titles
    assert there["none"] == "None of 17 clips matches"
    assert there["cleared"] == ["17 clips", ""]
    assert there["ordered"] == ["The same twice", "What failed", "What is in doubt"]
    assert there["facets"] == ["Verdict", "Status", "Channel", "Aspect ratio", "Loop"]


def test_a_link_opens_the_same_selection(seen: Seen) -> None:
    there = visit(seen, "opens from a link")
    assert there["titles"] == ["An old wizard, arc shot"]
    assert there["count"] == "1 of 17 clips"
    assert (there["q"], there["chips"]) == ("wizard", ["Channel: instagram", "Clear filters"])
    assert there["after"] == ["What is in doubt"]


def test_every_key_does_what_the_help_says(seen: Seen) -> None:
    there = visit(seen, "has a key for everything")
    lighthouse, odd = "A lighthouse at dusk", "An odd name"
    assert (there["first"], there["second"], there["third"]) == (lighthouse, odd, lighthouse)
    assert there["last"] == "A clip that is pictured"
    assert there["home"] == lighthouse
    assert there["kept"] == [odd, "1 of 14 seen · 1 kept · 0 rejected"]
    assert there["said"] == "Kept. 1 of 14 seen: An odd name"
    rejected = "An odd name, Rejected"
    assert there["stayed"] == [rejected, "2 of 14 seen · 1 kept · 1 rejected"]
    assert there["cleared"] == [odd, "1 of 14 seen · 1 kept · 0 rejected"]
    assert there["back"] == there["stayed"]
    assert there["playing"] == 0
    assert there["searched"].startswith("Search")
    first, second = (f"The same twice, take {n} of 2" for n in (1, 2))
    assert there["takes"] == [first, second, first, second]
    assert there["detail"] == ["The same twice", "2 of 2"]
    assert there["judged"].startswith("Keep")
    assert there["earlier"] == "The same twice"
    assert there["closed"] == first
    assert there["again"] == "pipeline run 'my job.yaml' --again wizard"


def test_keys_are_text_where_somebody_writes(seen: Seen) -> None:
    there = visit(seen, "has a key for everything")
    note = "Too dark\np x, and the left hand"
    told = "An odd name, Rejected, Note"
    assert there["note"] == [told, note, "2 of 14 seen · 1 kept · 1 rejected"]
    assert there["left"] == [told, note]
    assert there["typed"] == "twice px"


def test_a_verdict_is_for_all_that_are_selected(seen: Seen) -> None:
    there = visit(seen, "has a key for everything")
    assert there["several"] == [3, "3 cards selected"]
    assert there["all"] == ["5 of 14 seen · 5 kept · 0 rejected", 0]


def test_keys_of_one_character_can_be_switched_off(seen: Seen) -> None:
    _, unchanged, moved = visit(seen, "has a key for everything")["off"]
    assert unchanged
    assert moved.startswith(HOSTILE)


def test_a_night_is_culled_by_keyboard_and_its_picks_are_taken_in(
    seen: Seen, night: Path, downloads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = visit(seen, "culls a night by keyboard")
    culled = "80 of 300 seen · 60 kept · 20 rejected"
    assert (there["progress"], there["save"]) == (culled, "Save picks (80)")
    assert there["warned"]
    assert there["reloaded"] == culled
    assert (there["name"], there["after"]) == ("picks-night.jsonl", "Save picks")
    saved = downloads / "picks.jsonl"
    first, *others = map(json.loads, saved.read_text("utf-8").splitlines())
    assert first["format"] == FORMAT
    assert not any("format" in other for other in others)
    assert run_command(["pick", str(night), "--import", str(saved)], Host("pipeline")) == 0
    words = verdicts.read(Layout(night.parent / "out").verdicts)
    kept = {task for task, word in words.items() if word.verdict == "kept"}
    notes = {task: word.note for task, word in words.items() if word.verdict == "rejected"}
    assert len(kept) == 60
    assert len(notes) == 20
    assert notes["shot-7"] == "Hands in 7: “é” 😀 </script>"
    assert {word.by for word in words.values()} == {"Ada"}


@pytest.mark.parametrize("screen", ["desktop", "laptop"])
def test_a_whole_row_of_clips_is_on_the_first_screen(seen: Seen, screen: str) -> None:
    there = visit(seen, "shows a whole row at once")
    assert there[screen] >= 3
    assert there[f"{screen} large"] >= 3
    assert 20 <= there[f"{screen} grid"] <= 40


def test_a_whole_clip_is_on_the_first_screen_of_a_phone(seen: Seen) -> None:
    there = visit(seen, "shows a whole row at once")
    assert all(there[name] >= 1 for name in ("phone", "phone large", "phone grid"))


def test_a_day_of_the_calendar_leads_to_its_clips(seen: Seen) -> None:
    there = visit(seen, "calendar")
    assert there["pressed"][0] == "Calendar"
    assert there["opened"] == "A lighthouse at dusk"
    assert there["day"] == ["5 of 17 clips", "5 January 2027"]
    assert there["without"] == "17 clips"


def test_what_is_unfinished_has_reasons_and_commands(seen: Seen) -> None:
    there = visit(seen, "unfinished")
    assert there["commands"] == [
        f"pipeline run 'my job.yaml' --retry {what}" for what in ("failed", "in-doubt", "missing")
    ]
    heads = [table.partition(":")[0] for table in there["tables"]]
    assert heads == ["Failed", "In doubt", "Missing files"]
    assert there["heads"] == ["Task", "Reason", "Attempts", "At risk", "When"]
    failed, in_doubt, missing = there["rows"]
    assert "400: the prompt was refused" in failed
    assert "$0.95" in in_doubt
    assert "missing.mp4 is not beside this page" in missing


def test_the_command_can_be_copied(seen: Seen) -> None:
    assert visit(seen, "unfinished")["copied"] == "pipeline run 'my job.yaml' --retry failed"
    there = visit(seen, "copies without a clipboard")
    assert there["selected"] == ["copy", "pipeline run 'my job.yaml' --retry in-doubt"]


def test_the_details_tell_everything_and_have_an_address(seen: Seen) -> None:
    there = visit(seen, "details")
    assert there["name"] == "An old wizard, arc shot"
    for fact in (
        "luma-txt-2-video",
        "9:16",
        "instagram",
        "2026-12-03T09:30",
        "$0.95",
        "wizard.mp4",
    ):
        assert fact in there["facts"]
    assert there["hash"] == "#task=wizard"
    assert there["file"] == "./wizard.mp4"
    assert there["next"] == HOSTILE
    assert there["focus"].startswith(HOSTILE)
    assert there["linked"] == "What failed"


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(seen: Seen) -> None:
    first, landed, *order = visit(seen, "goes by keyboard")["order"]
    assert first == {"name": "Skip to the clips", "seen": True}
    assert landed["name"].startswith("Clips")  # the whole of the main part
    names = [stop["name"] for stop in order]
    assert names[:6] == [
        "Clips",
        "Calendar",
        "Unfinished3",
        "The night",
        "Search prompts, names, notes and reasons",
        "Filter",
    ]
    # One card is a stop of Tab, with what can be pressed in it.
    card = names.index("card")
    assert names[card + 1 : card + 5] == ["A lighthouse at dusk", "Play", "Keep", "Reject"]
    assert "An odd name" not in names
    assert all(stop["seen"] for stop in order[: card + 5])


def test_axe_finds_nothing_in_any_view_light_or_dark_wide_or_narrow(seen: Seen) -> None:
    assert visit(seen, "is accessible") == {}


def test_nothing_is_wider_than_a_phone(seen: Seen) -> None:
    for hidden in visit(seen, "fits a phone").values():
        assert hidden == [0, 0]


def test_of_a_thousand_clips_only_those_near_are_there(seen: Seen) -> None:
    there = visit(seen, "holds a thousand")
    assert max(there["cards"]) <= 60
    assert 0 < max(there["live"]) <= 60
    assert there["last"] == "Shot 999 of a thousand"
    assert there["rows"] == there["total"]
    assert there["calendar"] <= 150
    before, after = there["kept"]
    assert before == after, "the place in the list is lost where another view is shown meanwhile"


def test_a_search_through_a_thousand_clips_shows_at_once(seen: Seen) -> None:
    assert visit(seen, "holds a thousand")["search"] <= 1_000  # ms; ours take some twenty


def test_clips_that_are_gone_are_told_plainly(seen: Seen) -> None:
    (before,) = [each for each in visit(seen, "opens")["instead"] if "missing.mp4" in each]
    assert before.startswith("Not here")
    there = visit(seen, "finds a clip gone")
    assert there["players"] == 0
    assert there["words"][0].startswith("Not heremoved.mp4 is not beside this page")


def test_the_page_works_over_http_too(seen: Seen) -> None:
    there = visit(seen, "works over http")
    assert there["clip"]["time"] > 0
    origin = there["requests"][0].rpartition("/")[0]
    assert all(request.startswith(origin + "/") for request in there["requests"])
    assert not any("refused" in each for each in there["complaints"])


def test_without_script_the_totals_and_the_commands_are_still_there(seen: Seen) -> None:
    text = visit(seen, "says what it needs without script")["text"]
    assert "This page needs JavaScript" in text
    assert "15 of 17 clips are ready." in text
    assert "--retry in-doubt" in text


def test_on_paper_there_are_all_clips_and_no_controls(seen: Seen) -> None:
    assert visit(seen, "prints")["shown"] == [False, False, True, True]
