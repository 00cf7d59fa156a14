"""The benchmark's server, and the machine that it and its clients run on."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from bench.altered import Machine
from bench.measure import Server, serving

MISSING = Machine(rate=2).missing
needs_compiler = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.fixture
def limited() -> Iterator[Server]:
    with serving("--size=2000", "--latency=2", "--limit=at-once:3") as server:
        yield server


def post(server: Server) -> httpx.Response:
    return httpx.post(server.model, json={"prompt": "x"}, timeout=30, trust_env=False, verify=False)


def test_the_server_refuses_what_is_above_its_limit_and_counts_it(limited: Server) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: post(limited), range(6)))
    codes = sorted(answer.status_code for answer in answers)
    stats = limited.stats()
    assert codes == [200] * stats["posts"] + [429] * stats["refused"]
    assert stats["posts"] + stats["refused"] == 6
    assert 1 <= stats["peak"] <= 3
    assert len(stats["arrivals"]) == stats["posts"]
    assert all(len(each.content) == 2000 for each in answers if each.status_code == 200)
    assert all("retry-after" not in each.headers for each in answers)


@pytest.mark.parametrize("asked", [True, False])
def test_a_429_names_the_time_in_whole_seconds_where_that_is_asked_for(*, asked: bool) -> None:
    with serving("--limit=bucket:1/60", *(["--retry-after"] if asked else [])) as server:
        assert post(server).status_code == 200
        refused = post(server)
    assert refused.status_code == 429
    named = refused.headers.get("retry-after")
    assert 0 < int(named) <= 60 if asked else named is None


def test_a_part_of_the_answers_is_a_500_and_a_reset_begins_the_same_again() -> None:
    with serving("--errors=0.5") as server:
        first = [post(server).status_code for _ in range(20)]
        server.reset()
        assert [post(server).status_code for _ in range(20)] == first
    assert set(first) == {200, 500}


def python(machine: Machine, script: str) -> str:
    env = {**os.environ, **machine.env}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True)
    return done.stdout.decode()


WAYS = {
    "sleep": "time.sleep(3600)",
    "event loop": "asyncio.run(asyncio.sleep(3600))",
    "lock": "lock = threading.Lock(); lock.acquire(); lock.acquire(timeout=3600)",
    "select": "select.select([], [], [], 3600)",
    "poll": "select.poll().poll(3600_000)",
}


@needs_compiler
@pytest.mark.parametrize("way", WAYS)
def test_on_a_clock_that_runs_faster_an_hour_is_an_hour_and_soon_over(way: str) -> None:
    script = (
        "import asyncio, select, threading, time\n"
        f"before = time.time(), time.monotonic()\n{WAYS[way]}\n"
        "print(time.time() - before[0], time.monotonic() - before[1])"
    )
    began = time.monotonic()
    wall, monotonic = map(float, python(Machine(rate=10_000), script).split())
    assert wall >= 3599
    assert monotonic >= 3599
    assert time.monotonic() - began < 60


@needs_compiler
def test_what_the_faster_clock_shows_at_the_time_of_a_file_is_known() -> None:
    machine = Machine(rate=1000)
    before = time.time()
    shown = float(python(machine, "import time; print(time.time())"))
    assert machine.shows(before) <= shown <= machine.shows(time.time())


@needs_compiler
def test_on_a_slow_disk_each_fsync_takes_longer() -> None:
    script = (
        "import os, tempfile, time\nwith tempfile.TemporaryFile() as file:\n"
        " began = time.monotonic(); os.fsync(file.fileno()); os.fdatasync(file.fileno())\n"
        " print(time.monotonic() - began)"
    )
    assert float(python(Machine(fsync=0.2), script)) >= 0.4


def test_the_machine_as_it_is_needs_nothing() -> None:
    assert Machine().env == {}
    assert Machine().missing is None
