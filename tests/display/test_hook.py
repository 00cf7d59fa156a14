"""`--exec`: a command for each finished clip, and what a run does not give it."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import events as ev
from pipeline.errors import ExitCode, UsageError
from pipeline.hook import Command, Hook, without_secrets
from pipeline.models import CORRECTION, Record, Status


def finished(task: str = "one", **more: object) -> ev.Finished:
    fields = {"status": Status.SUCCEEDED, "output": f"{task}.mp4", "sha256": "ab" * 32, **more}
    record = Record(task=task, model="m", params={}, fingerprint="", **fields)
    return ev.Finished(record, ev.Money(), 0.0)


class Told(list[str]):
    def __call__(self, event: ev.Event) -> None:
        assert isinstance(event, ev.Warned)
        self.append(event.message)


Make = Callable[..., tuple[Hook, Told]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(script: str, *words: str, **more: float) -> tuple[Hook, Told]:
        file = tmp_path / "hook.sh"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        told = Told()
        command = Command(" ".join([str(file), *words]))
        locate = str(tmp_path / "out").__add__
        return Hook(command, locate, told, {"PATH": os.environ["PATH"]}, **more), told

    return made


def test_a_command_gets_the_clip_and_its_record(make: Make, tmp_path: Path) -> None:
    hook, told = make(
        f'cd {tmp_path}; cat > record; env > env; echo "$1|$2" > words', "'{file} x'", "{{{task}}}"
    )
    with hook:
        hook(finished("a 'b' $(c)"))
    assert json.loads((tmp_path / "record").read_text())["task"] == "a 'b' $(c)"
    named = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert named["PIPELINE_TASK"] == "a 'b' $(c)"
    assert named["PIPELINE_FILE"] == f"{tmp_path}/outa 'b' $(c).mp4"
    assert (tmp_path / "words").read_text() == f"{tmp_path}/outa 'b' $(c).mp4 x|{{a 'b' $(c)}}\n"
    assert (told, hook.outcome) == ([], "exec: hook.sh ran for 1 clip")


@pytest.mark.parametrize(
    "event",
    [
        finished(status=Status.FAILED, output=None),
        finished(reason=CORRECTION),
        ev.Warned("something", 0.0),
    ],
)
def test_what_is_no_new_clip_runs_nothing(make: Make, event: ev.Event) -> None:
    hook, _ = make("exit 0")
    with hook:
        hook(event)
    assert hook.outcome is None


def test_a_recovered_clip_runs_the_command_too(make: Make) -> None:
    hook, _ = make("exit 0")
    with hook:
        hook(ev.Recovered(finished().record, 0.0))
    assert hook.succeeded == 1


def test_a_failure_is_told_with_its_last_line_made_inert(make: Make) -> None:
    hook, told = make("echo first >&2; printf 'no \\033[31mroom\\n\\n' >&2; exit 3")
    with hook:
        hook(finished())
    assert told == ["exec: hook.sh for one: exit code 3 (no \\x1b[31mroom)"]
    assert hook.outcome == "exec: hook.sh ran for 1 clip, 1 failed"


def test_much_output_and_an_unread_record_block_nothing(make: Make) -> None:
    hook, told = make("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; exit 1")
    with hook:
        hook(finished(meta={"long": "x" * 1_000_000}))
    assert "exit code 1" in told[0]


def test_a_command_that_takes_too_long_is_ended(make: Make) -> None:
    hook, told = make("trap '' TERM; echo still >&2; sleep 60", timeout=0.3)
    with hook:
        hook(finished())
    assert any("was ended after 0.3 s" in line for line in told)
    assert hook.failed == 1


def test_no_more_run_at_once_than_may(make: Make, tmp_path: Path) -> None:
    (tmp_path / "busy").mkdir()
    hook, told = make(
        f'cd {tmp_path}/busy; touch "$1"; ls | wc -l >> ../peak; sleep 0.1; rm "$1"', "{task}",
        at_once=2,
    )  # fmt: skip
    with hook:
        for number in range(8):
            hook(finished(f"t{number}"))
    peaks = [int(line) for line in (tmp_path / "peak").read_text().split()]
    assert (max(peaks) <= 2, len(peaks), hook.succeeded, told[1:]) == (True, 8, 8, [])


def test_after_a_signal_commands_have_the_grace_and_no_more(make: Make, tmp_path: Path) -> None:
    hook, _ = make("sleep 60", at_once=1, grace=0.2)
    before = time.monotonic()
    with hook:
        hook(finished("one"))
        hook(finished("two"))
        hook(ev.Stopping(ExitCode.SIGTERM, "", 0, 0.0))
    assert time.monotonic() - before < 30
    assert (hook.failed, hook.not_run) == (1, 1)
    assert hook.outcome == "exec: hook.sh ran for 1 clip, 1 failed, 1 not run"


def test_a_signal_while_commands_are_waited_for_ends_them(make: Make, tmp_path: Path) -> None:
    hook, told = make("sleep 60")
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.05):
            os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=ask)
    try:
        with hook:
            hook(finished())
            asking.start()
    finally:
        over.set()
        asking.join()
        signal.signal(signal.SIGTERM, before)
    assert hook.failed == 1
    assert "SIGTERM" in told[-1]


def test_a_command_inherits_no_descriptor(make: Make, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        hook, _ = make(f"ls -l /proc/self/fd > {tmp_path}/fds")
        with hook:
            hook(finished())
    assert str(tmp_path / "lock") not in (tmp_path / "fds").read_text()


def test_what_a_command_leaves_running_holds_neither_the_run_nor_its_descriptors(
    make: Make, tmp_path: Path
) -> None:
    hook, told = make(f"sleep 600 & echo $! >> {tmp_path}/pids; echo no room >&2; exit 3")
    before, threads = set(Path("/proc/self/fd").iterdir()), threading.active_count()
    try:
        with hook:
            for number in range(8):
                hook(finished(str(number)))
        assert set(Path("/proc/self/fd").iterdir()) == before
        assert threading.active_count() == threads
        assert len(told) == 8
        assert all("exit code 3 (no room)" in line for line in told)
    finally:
        for pid in (tmp_path / "pids").read_text().split():
            os.kill(int(pid), signal.SIGKILL)


def test_an_environment_without_secrets() -> None:
    key = "sk-0123456789"
    environment = {"KEY": "", "A": key, "B": f"x {key}", "PATH": "/bin/k", "C": "k"}
    left = without_secrets(environment, ["KEY"], [key, "k"])
    assert left == {"PATH": "/bin/k"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("echo 'x", "not a command line"),
        ("echo {fil}", "did you mean file"),
        ("no-such-program-at-all {file}", "no program"),
    ],
)
def test_a_command_that_cannot_be_run_is_refused_before_the_run(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        Command(text)
    assert said in f"{refused.value.message} {refused.value.hint}"


def test_a_program_that_vanishes_is_a_warning(make: Make, tmp_path: Path) -> None:
    hook, told = make("exit 0")
    (tmp_path / "hook.sh").unlink()
    with hook:
        hook(finished())
    assert "cannot be started" in told[0]
