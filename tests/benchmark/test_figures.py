"""Ratios of a round, waves, and the file of results."""

import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

from bench import latest
from bench.figures import QUICKEST, dumps, figures, medians, ratios, rounded, waves
from bench.goals import GOALS
from bench.plot import plot
from bench.table import markdown


def rounds(*makespans: float) -> list[dict[str, float]]:
    return [{"round": turn, "makespan": each} for turn, each in enumerate(makespans)]


def test_a_figure_is_the_median_with_the_least_and_the_most() -> None:
    assert figures({"a": rounds(3, 1, 2)}) == {"a": {"makespan": [2, 1, 3]}}


def test_a_ratio_is_taken_within_a_round() -> None:
    # The machine was three times as slow in the second round: that is not a difference.
    runs = {"us": rounds(2, 6, 2), "them": rounds(1, 3, 1)}
    assert ratios(runs, "us")["them"]["makespan"] == [2, 2, 2]


def test_a_round_that_a_peer_did_not_finish_is_left_out() -> None:
    runs = {"us": rounds(2, 6), "them": [{"round": 1, "makespan": 3.0}]}
    assert ratios(runs, "us")["them"]["makespan"] == [2, 2, 2]


def test_the_quickest_peer_is_another_one_in_each_round() -> None:
    runs = {"us": rounds(4, 4), "a": rounds(2, 8), "b": rounds(8, 4), "part of us": rounds(1, 1)}
    assert ratios(runs, "us", ["part of us"])[QUICKEST]["makespan"] == [1.5, 1, 2]


def test_without_a_run_of_the_pipeline_there_is_no_ratio() -> None:
    assert ratios({"them": rounds(1)}, "us") == {}


def test_arrivals_are_summed_up_wave_by_wave() -> None:
    assert waves([1.1, 0.0, 0.2, 1.2, 0.1, 1.3], 3) == [[0.0, 0.1, 0.2], [1.1, 1.2, 1.3]]
    assert medians([[[0.0, 1.0, 2.0]], [[0.0, 3.0, 4.0]], [[0.0, 2.0, 9.0]]]) == [[0, 2, 4]]


def test_figures_are_rounded_to_what_is_not_chance() -> None:
    assert rounded(60_823_552) == 60_820_000
    assert rounded(0.00164099) == 0.001641


def test_json_that_a_diff_can_show_is_the_same_json() -> None:
    value = {"a": [[1, 2, 3]] * 20, "b": {"ü": "×", "empty": [], "none": {}}, "c": "x" * 200}
    text = dumps(value)
    assert json.loads(text) == value
    assert " [1, 2, 3],\n" in text


def test_a_row_that_is_measured_again_replaces_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    latest.write({"machine": {}, "rows": [{"key": "a", "x": 1}, {"key": "b", "x": 1}]}, path)
    latest.write({"machine": {"cores": "2"}, "rows": [{"key": "a", "x": 2}]}, path)
    found = json.loads(path.read_text())
    assert found == {
        "machine": {"cores": "2"},
        "rows": [{"key": "a", "x": 2}, {"key": "b", "x": 1}],
    }


def test_each_goal_says_reached_missed_or_not_measured() -> None:
    row = {
        "key": "makespan-50",
        "title": "answers after 1 s, 50 in flight",
        "rounds": 5,
        "when": "2026-01-01",
        "facts": {"count": 200, "ideal": 4},
        "figures": {"pipeline": {"makespan": [4.1, 4.0, 4.2]}, "aiohttp": {"makespan": [4, 4, 4]}},
        "ratios": {"aiohttp": {"makespan": [1.025, 1.0, 1.05]}},
        "missing": {"curl --parallel": "curl is not installed"},
    }
    text = markdown({"machine": {"cores": "2"}, "rows": [row]})
    lines = [line for line in text.splitlines() if "≤" in line]
    assert len(lines) == len(GOALS)
    assert lines[0].endswith("| ≤ 1.03 × | 1.025 (1.000–1.050) × | reached |")
    assert lines[1].endswith("| ≤ 1.02 × | 1.025 (1.000–1.050) × | **missed** |")
    assert all(line.endswith("| not measured |") for line in lines[2:])
    assert "curl is not installed" in text


def test_the_page_shows_the_figures_of_the_file() -> None:
    results = json.loads(latest.PATH.read_text(encoding="utf-8"))
    page = latest.PATH.parents[2] / "docs" / "explanation" / "performance.md"
    assert markdown(results) in page.read_text(encoding="utf-8")


def test_the_picture_shows_the_pipeline_and_its_peers() -> None:
    results = json.loads(latest.PATH.read_text(encoding="utf-8"))
    picture = ET.fromstring(plot({row["key"]: row for row in results["rows"]}))
    kinds = Counter(bar.get("class") for bar in picture.iter("{http://www.w3.org/2000/svg}rect"))
    assert 3 <= kinds["us"] < kinds["them"]


def test_the_file_of_results_has_no_samples_and_can_be_read_in_a_diff() -> None:
    text = latest.PATH.read_text(encoding="utf-8")
    assert len(text) < 60_000
    for row in json.loads(text)["rows"]:
        for each in row["figures"].values():
            assert all(len(spread) == 3 for spread in each.values())
