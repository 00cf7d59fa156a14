"""A small simulation: the same seed gives the same table, and the books of each night balance."""

import asyncio
from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.store.layout import Layout
from simulation.books import Books
from simulation.play import Result, play
from simulation.ports import NoClips
from simulation.scenario import Scenario, scenarios
from simulation.table import lines
from simulation.vendor import Vendor

USUAL = Scenario("steady", tasks=40, in_flight=8, workers=2)
FAULTS = {
    "losses": replace(USUAL, deaths=50.0),
    "outage": replace(USUAL, outage=(100.0, 600.0)),
    "limit": replace(USUAL, rate=0.1, burst=2),
    "credits": replace(USUAL, lag=30.0, credits=0.5, top_up=3600.0),
    "two jobs": replace(USUAL, jobs=2, seconds=2.0),
}


def of(folder: Path, scenario: Scenario, seed: int = 1) -> Result:
    folder.mkdir()
    return play(scenario, folder, seed)


def test_the_same_seed_gives_the_same_table(tmp_path: Path) -> None:
    first, again, other = (
        lines([of(tmp_path / name, replace(FAULTS["losses"], tasks=20), seed)])
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    assert first == again
    assert first != other


def test_without_faults_it_takes_as_long_as_it_must(tmp_path: Path) -> None:
    night = of(tmp_path / "steady", USUAL)
    assert not night.faults
    assert (night.codes, night.succeeded, night.requests, night.peak) == ([0], 40, 40, 8)
    assert night.spent == night.charged
    assert not night.apart
    assert night.makespan == pytest.approx(night.ideal, rel=0.001)


@pytest.mark.parametrize("name", FAULTS)
def test_with_a_fault_all_is_paid_once_and_told_to_the_cent(tmp_path: Path, name: str) -> None:
    night = of(tmp_path / "night", FAULTS[name])
    assert not night.faults
    assert set(night.codes) == {0}
    assert (night.succeeded, night.in_doubt, night.repeated) == (40, 0, 0)
    assert not night.apart
    assert not night.at_risk
    assert night.peak <= 8
    seen = {
        "losses": lambda: night.lost > 0,
        "outage": lambda: night.answers[503] > 0,
        "limit": lambda: night.answers[429] > 0,
        "credits": lambda: 3600 < night.makespan < 1.3 * night.ideal and 406 not in night.answers,
        "two jobs": lambda: len(night.codes) == 2,
    }
    assert seen[name](), night


def test_no_table_depends_on_the_disk_of_this_machine(tmp_path: Path) -> None:
    """While no clip was seen, a request keeps 4 MiB: on a small disk, many would wait."""
    shelf = NoClips(Layout(tmp_path), fsync=False, warn=print)
    assert shelf.room() is None


def test_what_must_never_be_is_named(tmp_path: Path) -> None:
    manifest, charged = tmp_path / "manifest.jsonl", array("d", [9.0, 0.0])
    loop, durations = asyncio.new_event_loop(), USUAL.durations(1)
    vendor = Vendor(USUAL, durations, loop)
    loop.close()
    vendor.taken, vendor.repeated, vendor.peak = 190, 1, 9
    books = Books()
    books.add(manifest, charged)
    books.compare(vendor, [])
    assert books.faults == [
        f"{manifest}: 1 were charged and have no record",
        "1.9 were charged, and 0 are written",
        "1 requests for what was charged already",
        "9 were in flight",
    ]


def test_all_scenarios_together_have_as_many_tasks_as_asked_for() -> None:
    assert sum(each.tasks for each in scenarios(100_000)) == 100_000
    assert max(each.in_flight for each in scenarios(1_000_000)) == 10_000
