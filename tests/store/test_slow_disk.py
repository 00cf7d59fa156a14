"""Many files that are made durable together: on a slow disk, and with few descriptors."""

import itertools
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from pipeline.store.batch import MOST_OPEN, CommitRequest, Syncing

MANY = 2 * MOST_OPEN + 50


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


def write(folder: Path, threads: ThreadPoolExecutor, count: int) -> list[CommitRequest]:
    """Make files durable together."""
    requests = [CommitRequest(f"t{n:03}") for n in range(count)]
    with Syncing(threads, active=True) as files:
        for request in requests:
            (folder / request.attempt).touch()
            files.sync(request, os.open(folder / request.attempt, os.O_RDONLY))
    return requests


def test_a_disk_that_takes_long_for_each_file_is_waited_for_once_for_many(
    tmp_path: Path, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of those after the first, eight come back together or none does.
    together, calls = threading.Barrier(8), 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            time.sleep(0.02)  # what it takes is what is tested
            return
        together.wait(timeout=20)

    monkeypatch.setattr(os, "fsync", fsync)
    requests = write(tmp_path, threads, 1 + 2 * 8)
    assert not [request.error for request in requests if request.error]


def test_once_it_is_known_to_be_slow_it_is_waited_for_once_for_all_of_them(
    tmp_path: Path, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(6)
    monkeypatch.setattr(os, "fsync", lambda _: time.sleep(0.02))  # what it takes is what is tested
    files = Syncing(threads, active=True)

    def commit(step: Callable[[], None]) -> None:
        with files:
            for name in "abcde":
                (tmp_path / name).touch()
                files.sync(CommitRequest(name), os.open(tmp_path / name, os.O_RDONLY))
            files.beside(step)

    commit(lambda: time.sleep(0.02))
    monkeypatch.setattr(os, "fsync", lambda _: together.wait(timeout=20))
    commit(lambda: together.wait(timeout=20) and None)
    # It is a fast one again.
    caller = threading.get_ident()
    monkeypatch.setattr(os, "fsync", lambda _: None)
    commit(lambda: None)
    ran: list[int] = []
    commit(lambda: ran.append(threading.get_ident()))
    assert ran == [caller]


@pytest.mark.parametrize("most", [0, 3])
def test_where_no_more_threads_can_be_started_all_is_done_before_it_ends(
    tmp_path: Path, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    started = itertools.count(1)
    start, ran = threading.Thread.start, [0]

    def refused(thread: threading.Thread) -> None:
        if next(started) > most:
            raise RuntimeError("can't start new thread")
        start(thread)

    def step() -> None:
        time.sleep(0.02)  # what it takes is what is tested
        ran[0] += 1

    monkeypatch.setattr(threading.Thread, "start", refused)
    files = Syncing(threads, active=True)
    for count in (8, 16):  # the first of them learns that it is slow
        with files:
            for _ in range(8):
                files.beside(step)
        assert ran == [count]


def test_a_bug_in_one_step_ends_once_the_others_are_done(threads: ThreadPoolExecutor) -> None:
    ran: list[int] = []

    def bug() -> None:
        raise AssertionError("here")

    files = Syncing(threads, active=True)
    for _ in range(2):  # on a fast disk and on a slow one
        for number in range(4):
            files.beside(lambda: time.sleep(0.02))
            files.beside(partial(ran.append, number))
            files.beside(bug)
        with pytest.raises(AssertionError, match="here"):
            files.finish()
    assert sorted(ran) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_file_that_fails_fails_alone(
    tmp_path: Path, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(file: int) -> None:
        time.sleep(0.02)
        if Path(f"/proc/self/fd/{file}").readlink().name == "t007":
            raise OSError(5, "Input/output error")

    if not Path("/proc/self/fd").exists():
        pytest.skip("what a descriptor is open for is not told here")
    monkeypatch.setattr(os, "fsync", fsync)
    requests = write(tmp_path, threads, 12)
    assert [r.attempt for r in requests if r.error is not None] == ["t007"]


def test_as_many_files_as_there_are_need_few_descriptors(
    tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/dev/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + MOST_OPEN + 10, hard))
    try:
        requests = write(tmp_path, threads, MANY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not [request.error for request in requests if request.error]
    assert len(list(tmp_path.iterdir())) == MANY
