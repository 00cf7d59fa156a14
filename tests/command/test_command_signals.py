"""Stopping: once gently, twice at once, and at any time without a traceback."""

import os
import pty
import signal
import socket
import time
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from support.command import CommandWorkspace, Process, eventually

from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(1)

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
# Long enough for a signal to be sent meanwhile, also on a machine that is busy.
SLOW = "[[latency 1.5]]"


def until_in_flight(workspace: CommandWorkspace, sandbox: Sandbox, number: int) -> None:
    """Wait until so many requests of this folder are with the server."""

    def look() -> bool:
        requests = workspace.requests(sandbox.books())
        return sum(request["finished"] is None for request in requests) == number

    eventually(look, say=f"{number} in flight")


def started(workspace: CommandWorkspace, sandbox: Sandbox, **more: object) -> Process:
    """A run with three requests in flight, and more to do."""
    workspace.write([SLOW] * 8, concurrency=3)
    process = workspace.start(**more)
    until_in_flight(workspace, sandbox, 3)
    return process


@pytest.mark.parametrize("number", CODES)
def test_one_signal_finishes_and_saves_what_is_in_flight(
    workspace: CommandWorkspace, sandbox: Sandbox, number: signal.Signals
) -> None:
    process = started(workspace, sandbox)
    process.send(number)
    process.until_said("stopping")
    run = process.end()
    assert run.code == CODES[number]
    assert workspace.counts() == {"succeeded": 3}
    assert len(workspace.requests(sandbox.books())) == 3
    assert not workspace.claims()
    assert "3 tasks in flight will be finished and saved" in run.err
    word = {signal.SIGINT: "Ctrl-C"}.get(number, number.name)
    assert f"a second {word} stops at once" in run.err
    assert "5 left to do" in run.last_line
    if number == signal.SIGTERM:
        assert workspace.run("--concurrency", 5).code == 0, "the same command goes on"
        assert len(workspace.requests(sandbox.books())) == 8


@pytest.mark.variant
def test_a_terminal_that_closes_and_says_so_twice_is_one_signal(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    process = started(workspace, sandbox)
    process.send(signal.SIGHUP)
    process.send(signal.SIGHUP)
    assert process.end().code == 129
    assert workspace.counts() == {"succeeded": 3}


@pytest.mark.variant
@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="POSIX alone has it")
def test_sigusr1_prints_how_the_run_stands_and_sigusr2_does_nothing(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    process = started(workspace, sandbox)
    process.send(signal.SIGUSR2)
    process.send(signal.SIGUSR1)
    process.until_said("status: ")
    process.send(signal.SIGUSR2)
    run = process.end()
    assert run.code == 0
    said = next(line for line in run.err.splitlines() if "status: " in line)
    assert "running, 3 in flight, concurrency 3" in said
    assert "0 of 8 succeeded" in run.err
    assert "8 left to do, spent $0.00" in run.err
    assert workspace.counts() == {"succeeded": 8}


@pytest.mark.variant
@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="POSIX alone has it")
def test_sigusr1_counts_what_waits_at_the_provider_apart(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    # Long enough for all of them to be accepted before the first is done.
    workspace.write(["[[latency 8]]"] * 3, concurrency=3, provider="segmind-v2", poll=0.5)
    process = workspace.start()

    def accepted() -> int:
        return sum(claim is not None and claim.handle is not None for claim in workspace.claims())

    eventually(lambda: accepted() == 3, say="3 accepted")
    process.send(signal.SIGUSR1)
    process.until_said("status: ")
    run = process.end()
    assert run.code == 0
    assert "running, 0 in flight" in run.err
    assert "0 of 3 succeeded, 3 waiting at the provider, 0 left to do" in run.err


@pytest.mark.variant
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGTERM),
        (signal.SIGTERM, signal.SIGINT),
    ],
)
def test_a_second_signal_stops_at_once_and_leaves_claims_whose_requests_the_next_run_finds(
    workspace: CommandWorkspace, sandbox: Sandbox, first: signal.Signals, second: signal.Signals
) -> None:
    workspace.write(["[[latency 20]]"] * 3 + ["good"], concurrency=3)
    process = workspace.start()
    until_in_flight(workspace, sandbox, 3)
    process.send(first)
    process.until_said("stopping")
    process.send(second)
    begun = time.monotonic()
    run = process.end()
    assert run.code == CODES[first]
    assert time.monotonic() - begun < 10  # half of what an answer takes
    assert len(workspace.claims()) == 3
    again = workspace.run("--no-wait")
    assert again.code == 0
    assert "3 waiting at the provider" in again.err
    assert workspace.counts() == {"succeeded": 4}
    assert workspace.money() == (Decimal("3.80"), 0)
    assert not workspace.claims()


@pytest.mark.variant
def test_without_a_list_of_requests_they_are_in_doubt(tmp_path: Path) -> None:
    with Sandbox(latency=0.02, clips="tiny", history="missing") as api:
        workspace = CommandWorkspace(tmp_path, api.url)
        workspace.write(["[[latency 20]]"] * 3 + ["good"], concurrency=3)
        process = workspace.start()
        until_in_flight(workspace, api, 3)
        process.kill()
        again = workspace.run("--no-wait")
    assert again.code == 1
    assert again.err.count("in doubt: t00") == 3
    assert workspace.counts() == {"in_doubt": 3, "succeeded": 1}
    assert workspace.money() == (Decimal("0.95"), Decimal("2.85"))
    assert not workspace.claims()


@pytest.mark.variant
def test_under_nohup_a_hang_up_is_no_reason_to_stop(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.write([SLOW] * 4, concurrency=2)
    process = workspace.start(patches="import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)")
    until_in_flight(workspace, sandbox, 2)
    process.send(signal.SIGHUP)
    assert process.end().code == 0
    assert workspace.counts() == {"succeeded": 4}


def test_a_signal_ends_a_hold_at_once(workspace: CommandWorkspace) -> None:
    workspace.write(["[[fail 429]]"] * 4, retry={"outage": "2h"})
    process = workspace.start()
    process.until_said("paused (rate limit)")
    process.send(signal.SIGTERM)
    run = process.end(10)
    assert run.code == 143
    # Nothing goes on: the log file has the end of the hold, people need only the stop.
    assert "going on" not in run.err


@pytest.mark.parametrize(
    ("number", "delay"),
    [
        (signal.SIGINT, 0.0),
        (signal.SIGINT, 0.2),
        (signal.SIGINT, 0.5),
        (signal.SIGTERM, 0.05),
        (signal.SIGTERM, 0.4),
        (signal.SIGHUP, 0.3),
    ],
)
def test_a_signal_during_the_start_ends_it_quietly(
    workspace: CommandWorkspace, number: signal.Signals, delay: float
) -> None:
    workspace.write(["good"] * 3)
    process = workspace.start(driver=True)
    assert process.popen.stdout is not None
    assert process.popen.stdout.readline() == "ready\n"
    # What is asked for here is a moment, not a condition.
    time.sleep(delay)
    process.send(number)
    run = process.end()
    # Until the command line has begun, the system's own way of dying serves.
    assert run.code in {CODES[number], -number, 0}, run
    assert workspace.counts().keys() <= {"succeeded"}
    assert not workspace.claims()


@pytest.mark.variant
def test_ctrl_c_at_the_question_ends_the_run_and_gives_the_cursor_back(
    workspace: CommandWorkspace,
) -> None:
    workspace.write(["good"] * 3)
    ours, theirs = pty.openpty()
    process = workspace.start_on(theirs, "--confirm-above", "0.1")
    said = b""
    while b"Go on" not in said:
        said += os.read(ours, 4096)
    # One that comes just before Python's blocking read has to be pressed again.
    eventually(lambda: os.write(ours, b"\x03") and process.poll() is not None, pause=0.2)
    with suppress(OSError):  # Linux tells the end of a terminal so
        while more := os.read(ours, 4096):
            said += more
    assert process.wait(10) == 130
    os.close(ours)
    assert said.rfind(b"\x1b[?25l") < said.rfind(b"\x1b[?25h"), said
    assert not workspace.counts()


@pytest.mark.variant
@pytest.mark.parametrize("number", CODES)
def test_a_signal_after_the_run_while_a_message_goes_out_ends_the_process(
    workspace: CommandWorkspace, number: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        workspace.write(["good"], notify={"to": ["INBOX"], "on": ["end"]})
        process = workspace.start(env={"INBOX": f"json://127.0.0.1:{silent.getsockname()[1]}/"})
        connection, _ = silent.accept()
        with connection:
            process.until_said("exit 0")
            process.send(number)
            run = process.end(10)
    assert run.code == CODES[number]
    assert workspace.counts() == {"succeeded": 1}


def test_sigkill_loses_nothing_and_renders_nothing_again(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.write(["good"] * 6 + [SLOW] * 3, concurrency=3)
    process = workspace.start()
    eventually(lambda: workspace.counts().get("succeeded") == 6)
    until_in_flight(workspace, sandbox, 3)
    process.kill()
    run = workspace.run()
    assert run.code == 0
    assert workspace.counts() == {"succeeded": 9}
    assert len(workspace.requests(sandbox.books())) == 9


@pytest.mark.variant
def test_a_terminal_that_goes_away_stops_the_run_gently(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    """An ssh session breaks: SIGHUP, and nobody left to write to."""
    workspace.write([SLOW] * 6, concurrency=2)
    ours, theirs = pty.openpty()
    process = workspace.start_on(theirs)
    until_in_flight(workspace, sandbox, 2)
    os.close(ours)  # the kernel sends SIGHUP to the session
    assert process.wait(30) == 129
    assert workspace.counts() == {"succeeded": 2}
    assert not workspace.claims()


@pytest.mark.variant
@pytest.mark.parametrize(("prompt", "code"), [("good", 0), ("[[fail 400]]", 1)])
def test_a_reader_that_has_left_changes_neither_the_work_nor_the_exit_code(
    workspace: CommandWorkspace, prompt: str, code: int
) -> None:
    workspace.write([prompt, "good", "good"])
    reader, writer = os.pipe()
    process = workspace.start_on(writer, terminal=False)
    os.close(reader)
    assert process.wait(30) == code
    assert len(workspace.records) == 3


@pytest.mark.variant
def test_on_a_terminal_there_is_a_display_and_no_traceback(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.write([SLOW] * 4, concurrency=2)
    ours, theirs = pty.openpty()
    process = workspace.start_on(theirs)
    until_in_flight(workspace, sandbox, 2)
    os.write(ours, b"\x03")  # Ctrl-C, as a terminal sends it
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert process.wait(30) == 130
    text = seen.decode("utf-8", "replace")
    assert "Traceback" not in text
    assert "stopping" in text
    assert "2 in flight" in text
    assert workspace.counts() == {"succeeded": 2}


@pytest.mark.variant
def test_it_dies_with_nobody_left_behind(workspace: CommandWorkspace, sandbox: Sandbox) -> None:
    process = started(workspace, sandbox)
    process.send(signal.SIGTERM)
    process.end()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.popen.pid, 0)


def test_a_run_gives_the_signals_back_that_it_took(workspace: CommandWorkspace) -> None:
    """What comes after it, a message or the report, is interrupted as its caller chose."""
    workspace.write(["good"])
    before = {number: signal.signal(number, lambda *_: None) for number in CODES}
    ours = {number: signal.getsignal(number) for number in CODES}
    try:
        assert workspace.call().code == 0
        after = {number: signal.getsignal(number) for number in CODES}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert after == ours
