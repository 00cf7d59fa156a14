"""Contenders on the same work, round after round, over real sockets."""

import sys
from pathlib import Path

import pytest

from bench import contenders as who
from bench.altered import Machine
from bench.contenders import Contender, Work, write_job
from bench.race import Course, Row, Settings, race

# Posts one after the other, each until it is answered 200.
CLIENT = """
import pathlib, sys, time, urllib.error, urllib.request
url, out, count = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
out.mkdir()
while count:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"{}"), timeout=600) as answer:
            (out / f"{count}.mp4").write_bytes(answer.read())
        count -= 1
    except urllib.error.HTTPError as error:
        assert error.code == 429
        time.sleep(int(error.headers["Retry-After"]))
"""


def client(work: Work, script: str = CLIENT) -> list[str]:
    out = str(work.folder / "out")
    return [sys.executable, "-c", script, work.server.model, out, str(work.count)]


PATIENT = Contender("patient", client)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(quick=True, folder=tmp_path, memory=None, rounds=2, say=lambda _: None)


def test_contenders_take_turns_and_each_round_begins_with_another(settings: Settings) -> None:
    order: list[str] = []

    def noted(name: str) -> Contender:
        def command(work: Work) -> list[str]:
            order.append(name)
            return client(work)

        return Contender(name, command)

    row = Row("row", "a row")
    race(row, settings, [noted("a"), noted("b"), noted("c")], Course(settings.folder, 2, 1))
    assert order == ["a", "b", "c", "b", "c", "a"]
    assert [run["round"] for run in row.runs["b"]] == [0, 1]
    assert row.missing == {}


def test_the_server_counts_what_is_in_flight_and_when_it_came(settings: Settings) -> None:
    row = Row("row", "a row", {"count": 3})
    course = Course(settings.folder, 3, 1, answers=("--latency=0.1",), lockstep=True)
    race(row, settings, [PATIENT], course)
    found = row.as_json()
    assert found["rounds"] == 2
    assert found["figures"]["patient"]["peak"] == [1, 1, 1]
    waves = enumerate(found["waves"]["patient"])
    assert all(wave[0] >= 0.099 * number for number, wave in waves)
    assert found["figures"]["patient"]["makespan"][1] >= 0.29


def test_who_does_not_do_the_work_is_left_out_with_the_reason(settings: Settings) -> None:
    def idle(work: Work) -> list[str]:
        return client(work, "")

    def broken(work: Work) -> list[str]:
        return client(work, "raise SystemExit(3)")

    absent = Contender("absent", idle, missing="it is not installed")
    small = Contender("small", client, most=1)
    row = Row("row", "a row")
    course = Course(settings.folder, 2, 2)
    race(
        row,
        settings,
        [Contender("idle", idle), Contender("broken", broken), absent, small, PATIENT],
        course,
    )
    assert row.missing == {
        "idle": "idle: 0 whole clips of 2",
        "broken": "ended with exit code 3",
        "absent": "it is not installed",
        "small": "has 1 in flight at most",
    }
    assert list(row.runs) == ["patient"]


@pytest.mark.skipif(Machine(rate=2).missing is not None, reason="needs bench/machine.c")
def test_a_limit_on_a_faster_clock_is_waited_for_in_its_own_seconds(settings: Settings) -> None:
    row = Row("row", "a row", {"count": 4, "ideal": 180})
    flags = ("--limit=bucket:1/60", "--retry-after")
    course = Course(settings.folder, 4, 1, answers=flags, machine=Machine(rate=200))
    race(row, settings, [PATIENT], course)
    found = row.as_json()["figures"]["patient"]
    assert found["makespan"][1] >= 179
    assert found["wall"][2] < 179
    assert found["refused"][1] >= 0.75


def test_three_runs_share_the_tasks_and_the_places_of_an_account(tmp_path: Path) -> None:
    job = write_job(tmp_path, 10, 30, "bench-2")
    assert "account: {concurrency: 30}" in job.read_text()
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 11
    assert who.THREE.name in who.OWN
