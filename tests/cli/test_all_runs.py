"""`status` without a job, and `metrics`: real runs on one account, some of them killed."""

import fcntl
import json
import os
import pty
import re
import signal
import sqlite3
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.account import places
from pipeline.account.ledger import Ledger
from pipeline.account.telling import Entry, Posting, Terms
from pipeline.display.runs import NOTHING
from pipeline.money.account import Holdings
from sandbox.testing import Sandbox
from tests.cli.conftest import KEY, Command, clean_environment

pytestmark = pytest.mark.few(1)

PATIENCE = 60.0
PRICE = Decimal("0.95")
EVERY = Terms(day=Decimal(50), month=Decimal(600), zone="UTC")
JOB = """\
model: luma-txt-2-video
prompts: [a {0}, b {0}, c {0}, d {0}]
concurrency: 2
credits: {{cost: 0.95}}
"""


class Night:
    """Several runs of the real command on one account, and what `status` says of them."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._env = clean_environment(SEGMIND_API_KEY=KEY, SEGMIND_BASE_URL=url)
        self.runs: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        for name in names:
            (self._folder / f"{name}.yaml").write_text(JOB.format(name), encoding="utf-8")
            self.runs[name] = self.process("run", f"{name}.yaml", stderr=subprocess.DEVNULL)

    def process(self, *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "pipeline", *arguments]
        return subprocess.Popen(command, cwd=self._folder, env=self._env, **more)

    def kill(self, name: str) -> None:
        self.runs[name].kill()
        self.runs[name].wait(PATIENCE)

    def close(self) -> None:
        for process in self.runs.values():
            process.kill()
            process.wait(PATIENCE)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    """An account whose requests take so long that none ends within a test.

    It has so little that nothing is prepared ahead.
    """
    with Sandbox(latency=120, clips="tiny", credits=7) as slow:
        one = Night(tmp_path, slow.url)
        yield one
        one.close()


def look(pipeline: Command) -> dict[str, dict[str, Any]]:
    """What `status --json` says of each run, by its job's name."""
    done = pipeline("status", "--json")
    assert done.code == 0
    seen = json.loads(done.out)
    return {run["job"]: run for account in seen["accounts"] for run in account["runs"]}


def until(pipeline: Command, condition: Callable[[dict[str, dict[str, Any]]], bool]) -> Any:
    """Look until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition(seen := look(pipeline)):
        assert time.monotonic() < end, seen
    return seen


def all_flying(*names: str) -> Callable[[dict[str, dict[str, Any]]], bool]:
    return lambda seen: {name for name, run in seen.items() if run["in_flight"] == 2} == {*names}


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below a folder, and when a name was last added to or removed from a folder.

    The memory that SQLite shares, where readers note that they read, is not part of the data.
    """
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in [folder, *sorted(folder.rglob("*"))]
        if not path.name.endswith("-shm")
    }


# -- without any run ------------------------------------------------------------------------------


@pytest.mark.variant
@pytest.mark.parametrize("arguments", [(), ("--watch",)])
def test_where_no_run_is_known_it_says_so_and_makes_nothing(
    pipeline: Command, state_folder: Path, arguments: tuple[str, ...]
) -> None:
    done = pipeline("status", *arguments)
    assert (done.code, done.out) == (0, f"{NOTHING}\n")
    assert pipeline("metrics").code == 0
    assert list(state_folder.iterdir()) == []


@pytest.mark.variant
def test_output_is_refused_without_a_job(pipeline: Command) -> None:
    done = pipeline("status", "--output", "x")
    assert done.code == 2
    assert "name its job file" in done.err


# -- runs that are there, and one that was killed -------------------------------------------------


def test_two_runs_and_a_killed_one_are_shown_with_what_each_holds(
    night: Night, pipeline: Command
) -> None:
    night.start("one", "two")
    seen = until(pipeline, all_flying("one", "two"))
    for name, run in seen.items():
        assert run["running"]
        assert run["pid"] == night.runs[name].pid
        assert (run["held"], run["spent"], run["at_risk"]) == (1.9, 0, 0)
        assert run["tasks"]["total"] == run["tasks"]["pending"] == 4
    night.kill("two")
    seen = until(pipeline, lambda seen: not seen["two"]["running"])
    assert seen["one"]["running"]
    assert (seen["two"]["held"], seen["two"]["at_risk"], seen["two"]["left"]) == (0, 1.9, 2)
    shown = pipeline("status").out
    assert "two: not running; it had 2 in flight" in shown
    (advice,) = [line for line in shown.splitlines() if "to do     " in line]
    again, settle = re.findall("`([^`]+)`", advice)
    assert re.search(r"run \S+/two\.yaml$", again)
    assert re.search(r"settle \S+/two\.yaml$", settle)


@pytest.mark.variant
def test_looking_writes_nothing_neither_during_runs_nor_after_them(
    night: Night, pipeline: Command, state_folder: Path
) -> None:
    night.start("one")
    until(pipeline, all_flying("one"))
    for process in night.runs.values():
        os.kill(process.pid, signal.SIGSTOP)
    before = contents(state_folder)
    pipeline("status")
    pipeline("metrics")
    assert contents(state_folder) == before
    night.kill("one")
    before = contents(state_folder)
    pipeline("status")
    pipeline("metrics")
    assert contents(state_folder) == before


@pytest.mark.variant
def test_a_ledger_that_nobody_has_open_is_read_without_making_a_file(
    pipeline: Command, state_folder: Path
) -> None:
    folder = ended_ledger()
    assert [path.name for path in folder.iterdir()] == ["ledger.sqlite"]
    before = contents(state_folder)
    assert "acme at api.example.com" in pipeline("status").out
    assert contents(state_folder) == before


def ended_ledger(key: str = "sk-other") -> Path:
    """Make the ledger of an account whose run has ended well."""
    folder = places.folder("https://api.example.com", key)
    ledger = Ledger.open(folder, name="acme", base_url="https://api.example.com")
    quarter = int(time.time() // 900)
    entry = Entry("/jobs/a", "a", EVERY, [Posting(quarter, PRICE, PRICE)])
    ledger.register(entry, now=time.monotonic())
    ledger.leave(Holdings(), now=time.monotonic())
    return folder


# -- metrics --------------------------------------------------------------------------------------


def values(text: str) -> dict[str, float]:
    """The values of all series, by name and the labels that tell runs apart."""
    families = text_string_to_metric_families(text)
    return {
        " ".join([s.name, *(s.labels[k] for k in ("job", "status", "reason") if k in s.labels)]):
            s.value
        for family in families for s in family.samples
    }  # fmt: skip


@pytest.mark.variant
def test_the_textfile_of_real_runs_is_read_back_with_the_figures_of_status(
    night: Night, pipeline: Command, tmp_path: Path
) -> None:
    night.start("one", "two")
    until(pipeline, all_flying("one", "two"))
    night.kill("two")
    file = tmp_path / "pipeline.prom"
    old = os.umask(0o077)
    try:
        done = pipeline("metrics", "--out", file)
    finally:
        os.umask(old)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644, "the collector is another user"
    found = values(file.read_text(encoding="utf-8"))
    assert found["pipeline_run_alive one"] == 1
    assert found["pipeline_run_alive two"] == 0
    assert found["pipeline_run_in_flight_requests one"] == 2
    assert found["pipeline_run_held_dollars one"] == 1.9
    assert found["pipeline_job_at_risk_dollars two"] == 1.9
    assert found["pipeline_job_tasks one pending"] == 4
    assert found["pipeline_run_paused one outage"] == 0
    assert [path.name for path in tmp_path.iterdir() if ".prom" in path.name] == ["pipeline.prom"]


@pytest.mark.variant
def test_metrics_of_a_job_that_has_no_run_are_those_of_its_manifest(
    job: Path, pipeline: Command
) -> None:
    assert pipeline("run", job).code == 0
    found = values(pipeline("metrics", job).out)
    assert found["pipeline_job_tasks job succeeded"] == 2
    assert found["pipeline_manifest_spent_dollars job"] == 1.9


@pytest.mark.variant
def test_a_file_that_cannot_be_written_is_refused_and_the_old_one_stays(
    pipeline: Command, tmp_path: Path
) -> None:
    done = pipeline("metrics", "--out", tmp_path / "missing" / "x.prom")
    assert done.code == 7
    assert "cannot be written" in done.err
    (tmp_path / "folder.prom").mkdir()
    assert pipeline("metrics", "--out", tmp_path / "folder.prom").code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.prom"]


@pytest.mark.variant
def test_writers_at_the_same_time_leave_one_whole_file(
    pipeline: Command, pipeline_process: Command, night: Night, tmp_path: Path
) -> None:
    night.start("one")
    until(pipeline, all_flying("one"))
    file = tmp_path / "x.prom"
    writers = [night.process("metrics", "--out", str(file)) for _ in range(4)]
    while any(writer.poll() is None for writer in writers):
        if file.exists():
            assert "pipeline_run_alive one" in values(file.read_text(encoding="utf-8"))
    assert [writer.returncode for writer in writers] == [0] * 4
    assert "pipeline_run_alive one" in values(file.read_text(encoding="utf-8"))


# -- hostile and broken ledgers -------------------------------------------------------------------


def spoil_as_text(folder: Path) -> None:
    (folder / "ledger.sqlite").write_bytes(b"not a database at all" * 500)


def spoil_by_a_pipe(folder: Path) -> None:
    (folder / "ledger.sqlite").unlink()
    os.mkfifo(folder / "ledger.sqlite")


def spoil_by_a_link(folder: Path) -> None:
    (folder / "ledger.sqlite").rename(folder / "other")
    (folder / "ledger.sqlite").symlink_to("other")


def spoil_by_a_newer_version(folder: Path) -> None:
    execute(folder, "PRAGMA user_version = 99")


def spoil_by_cutting(folder: Path) -> None:
    os.truncate(folder / "ledger.sqlite", 5000)


def spoil_by_an_endless_table(folder: Path) -> None:
    execute(folder, "ALTER TABLE jobs RENAME TO those")
    execute(
        folder,
        "CREATE VIEW jobs AS WITH RECURSIVE n(number) AS (SELECT 1 UNION ALL SELECT number + 1"
        " FROM n) SELECT n.number, path FROM n, those",
    )


def execute(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "ledger.sqlite")
    connection.execute("PRAGMA ignore_check_constraints = 1")
    connection.execute(statement)
    connection.commit()
    connection.close()


SPOILERS = [
    spoil_as_text, spoil_by_a_pipe, spoil_by_a_link, spoil_by_a_newer_version, spoil_by_cutting,
    spoil_by_an_endless_table,
]  # fmt: skip


@pytest.mark.variant
@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_a_ledger_that_cannot_be_read_says_so_and_the_others_are_shown(
    pipeline: Command, spoil: Callable[[Path], None]
) -> None:
    ended_ledger("sk-good")
    bad = ended_ledger("sk-bad")
    spoil(bad)
    done = pipeline("status")
    assert done.code == 0
    assert f"account ledger {bad.name}:\n  cannot be read: " in done.out
    assert done.out.count("acme at api.example.com") == 1
    text = pipeline("metrics").out
    assert f'pipeline_account_readable{{account="{bad.name}",ledger="{bad.name}"}} 0.0' in text


VALUES = ["'abc'", "9e999", "-9223372036854775808", "x'ff00'", "'a' || char(0)", "'http://[::1'"]
COLUMNS = [
    ("account", "name"), ("account", "base_url"), ("account", "boot"), ("account", "pause"),
    ("account", "balance"), ("account", "total"), ("runs", "name"), ("runs", "pid"),
    ("runs", "lock"), ("runs", "boot"), ("runs", "day"), ("runs", "zone"), ("runs", "held"),
    ("runs", "flying"), ("runs", "state"), ("runs", "at"), ("jobs", "path"), ("postings", "cost"),
    ("postings", "quarter"),
]  # fmt: skip


@pytest.mark.variant
def test_no_value_in_a_ledger_makes_a_command_fail(pipeline: Command) -> None:
    folder = places.folder("https://api.example.com", "sk-other")
    ledger = Ledger.open(folder, name="acme", base_url="https://api.example.com")
    quarter = int(time.time() // 900)
    entry = Entry(
        "/jobs/a", "a", EVERY, [Posting(quarter, PRICE, PRICE)], Holdings(PRICE, flying=1)
    )
    ledger.register(entry, now=time.monotonic())
    ledger.close()
    execute(folder, "PRAGMA journal_mode = DELETE")
    file = folder / "ledger.sqlite"
    good = file.read_bytes()
    for table, column in COLUMNS:
        for value in VALUES:
            execute(folder, f"UPDATE {table} SET {column} = {value}")
            for command in ("status", "metrics"):
                done = pipeline(command)
                assert done.code == 0, (table, column, value, done.err)
            file.write_bytes(good)


def test_hostile_names_are_made_printable(pipeline: Command, tmp_path: Path) -> None:
    name = "evil\x1b]0;title\x07\u202e"
    folder = places.folder("https://api.example.com", "sk-other")
    ledger = Ledger.open(folder, name=name, base_url="https://api.example.com")
    entry = Entry(f"/jobs/{name}", name, EVERY, holdings=Holdings(PRICE, flying=1))
    ledger.register(entry, now=time.monotonic())
    ledger.close()
    for command in ("status", "metrics"):
        shown = pipeline(command).out
        assert r"evil\x1b]0;title\x07\u202e" in shown.replace("\\\\", "\\")
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


# -- watching -------------------------------------------------------------------------------------


@pytest.mark.variant
def test_watching_without_a_terminal_ends_when_no_run_is_going_on(
    night: Night, pipeline: Command
) -> None:
    night.start("one")
    until(pipeline, all_flying("one"))
    watching = night.process("status", "--watch", stdout=subprocess.PIPE)
    assert watching.stdout is not None
    first = watching.stdout.readline() + watching.stdout.readline()
    night.kill("one")
    rest = watching.communicate(timeout=PATIENCE)[0]
    assert watching.returncode == 0
    shown = (first + rest).decode()
    assert "one: running" in shown
    assert shown.rindex("one: not running") > shown.rindex("one: running")


@pytest.mark.variant
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_watching_on_a_terminal_fills_the_screen_until_a_signal_and_restores_it(
    night: Night, pipeline: Command, number: signal.Signals, code: int
) -> None:
    night.start("one")
    until(pipeline, all_flying("one"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 100, 0, 0))
    watching = night.process(
        "status", "--watch", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    try:
        while not re.search(rb"one .*running.*Ctrl-C ends", shown, re.DOTALL):
            shown += os.read(ours, 65536)
        watching.send_signal(number)
        shown += drained(ours)
        assert watching.wait(PATIENCE) == code
    finally:
        watching.kill()
        os.close(ours)
    entered, left = b"\x1b[?1049h", b"\x1b[?1049l"
    assert shown.count(entered) == shown.count(left) == 1
    assert shown.rindex(left) > shown.rindex(b"Ctrl-C ends")
    assert b"\x1b[?25h" in shown[shown.rindex(b"Ctrl-C ends") :], "the cursor is back"


def drained(terminal: int) -> bytes:
    """Read until the other side has left."""
    read = b""
    try:
        while part := os.read(terminal, 65536):
            read += part
    except OSError:  # so a terminal says it
        pass
    return read
