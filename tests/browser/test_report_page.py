from typing import Any

import pytest

# One visit of the browser serves all of them, and has its own bound.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(620)]

Seen = dict[str, Any]
HOSTILE = '<script>hit = 1</script> "><img src=x onerror="hit = 1"> </script><!--'


def visit(seen: Seen, name: str) -> Seen:
    assert "error" not in seen[name], seen[name]["error"]
    return seen[name]


def test_the_page_opens_from_a_file_with_every_task(seen: Seen) -> None:
    there = visit(seen, "opens")
    assert there["count"] == "16 clips"
    assert len(there["titles"]) == 16
    assert there["night"].startswith("The night: At most 3 in flight, 14 finished, 1 failed")


@pytest.mark.parametrize(
    "name",
    ["opens", "plays", "filters", "calendar", "unfinished", "details", "holds a thousand"],
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
    assert there["images"] == 1


def test_clips_play(seen: Seen) -> None:
    there = visit(seen, "plays")
    for clip in (there["loop"], there["odd"]):
        assert clip["time"] > 0
        assert (clip["width"], clip["height"]) == (160, 90)
        assert all(clip[name] for name in ("controls", "muted", "inline"))
    assert there["odd"]["focused"]
    assert there["loop"]["loop"] is True
    assert there["alone"] <= 1


def test_a_clip_at_rest_shows_its_first_frame(seen: Seen) -> None:
    there = visit(seen, "shows the first frame of a clip that nobody plays")
    assert there == {"paused": True, "controls": False, "preload": "metadata"}


def test_a_mouse_over_a_clip_previews_it_unless_motion_is_unwanted(seen: Seen) -> None:
    there = visit(seen, "previews")
    assert there["no-preference"] == {"over": False, "after": True}
    assert there["reduce"] == {"over": True, "after": True}


def test_text_status_and_meta_filter_the_clips(seen: Seen) -> None:
    there = visit(seen, "filters")
    assert there["text"] == ["1 of 16 clips", ["A lighthouse at dusk"], "#q=lighthouse+DUSK"]
    assert there["status"] == ["1 of 16 clips", ["What failed"]]
    titles, address = there["meta"]
    assert address == "#meta.channel=youtube"
    assert "An odd name" in titles
    assert "A lighthouse at dusk" not in titles
    assert there["none"] == "None of 16 clips matches"
    assert there["cleared"] == ["16 clips", ""]
    assert there["takes"] == ["The same twice", "The same twice"]
    assert there["facets"] == ["Status", "Channel", "Aspect ratio", "Loop", "Order"]


def test_a_link_opens_the_same_selection(seen: Seen) -> None:
    there = visit(seen, "opens from a link")
    assert there["titles"] == ["An old wizard, arc shot"]
    assert there["count"] == "1 of 16 clips"
    assert (there["q"], there["channel"]) == ("wizard", "instagram")
    assert there["after"] == ["What is in doubt"]


def test_the_calendar_has_a_table_for_each_month(seen: Seen) -> None:
    there = visit(seen, "calendar")
    assert there["captions"] == ["December 2026", "January 2027"]
    assert there["heads"] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert "A lighthouse at dusk" in there["first"]
    assert "09:30 An old wizard" in there["timed"]
    assert "Failed: What failed" in there["failed"]
    assert there["empty"].endswith("30")
    assert there["remark"].startswith("6 clips have no date")
    assert there["pressed"] == ["Calendar"]
    assert there["opened"] == "A lighthouse at dusk"


def test_a_crowded_day_leads_to_its_clips(seen: Seen) -> None:
    there = visit(seen, "calendar")
    assert there["crowded"] == 3
    assert there["day"] == ["5 of 16 clips", "#day=2027-01-05"]
    assert there["without"] == "16 clips"


def test_what_is_unfinished_has_reasons_and_commands(seen: Seen) -> None:
    there = visit(seen, "unfinished")
    assert there["commands"] == [
        f"pipeline run 'my job.yaml' --retry {what}" for what in ("failed", "in-doubt", "missing")
    ]
    assert there["tables"] == ["Failed", "In doubt", "Missing files"]
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
    assert there["focus"] == "Details: An old wizard, arc shot"
    assert there["linked"] == "What failed"


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(seen: Seen) -> None:
    order = visit(seen, "goes by keyboard")["order"]
    assert [stop["name"] for stop in order][:5] == [
        "Skip to the clips",
        "Clips",
        "Calendar",
        "Unfinished3",
        "Search prompts, names and reasons",
    ]
    assert "Play: A lighthouse at dusk" in [stop["name"] for stop in order]
    assert all(stop["seen"] for stop in order)


def test_axe_finds_nothing_in_any_view_light_or_dark_wide_or_narrow(seen: Seen) -> None:
    assert visit(seen, "is accessible") == {}


def test_nothing_is_wider_than_a_phone(seen: Seen) -> None:
    for hidden in visit(seen, "fits a phone").values():
        assert hidden == [0, 0]


def test_clips_of_all_shapes_lie_in_rows_of_one_height_that_fill_the_width(seen: Seen) -> None:
    for rows in visit(seen, "lays out rows").values():
        for row in rows:
            assert max(row["heights"]) - min(row["heights"]) <= 1
        assert all(row["short"] <= 3 for row in rows[:-1] if len(row["heights"]) > 1)


def test_of_a_thousand_clips_only_those_near_are_loaded(seen: Seen) -> None:
    there = visit(seen, "holds a thousand")
    assert there["cards"] <= 48
    assert there["end"] == 1_000
    assert 0 < max(there["live"]) <= 48
    assert there["calendar"] <= 150


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
    assert "13 of 16 clips" not in text
    assert "14 of 16 clips are ready." in text
    assert "--retry in-doubt" in text


def test_on_paper_there_are_clips_and_no_controls(seen: Seen) -> None:
    assert visit(seen, "prints")["shown"] == [False, False, True, True]
