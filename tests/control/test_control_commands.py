"""`pipeline control` and `pipeline run` as two processes, against the sandbox."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.command import KEY, CommandWorkspace, Process, eventually

import pipeline
from pipeline.controlling.place import socket_place
from sandbox.testing import Sandbox


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out, parse_float=Decimal)
        return found


class Controlled(CommandWorkspace):
    """A run, and whoever controls it."""

    def control(self, *arguments: object, expect: int = 0) -> Said:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SEGMIND")}
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "control", self.path.name, *map(str, arguments)],
            cwd=self.folder, env=kept, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        assert done.returncode == expect, done.stderr + done.stdout
        return Said(done.returncode, done.stdout, done.stderr)

    def asked(self, *arguments: object) -> dict[str, Any]:
        return self.control(*arguments, "--json").told

    @property
    def socket(self) -> Path:
        return self.out / "control.sock"

    def begun(self, *arguments: object, **more: Any) -> Process:
        """Start a run, and wait until it can be asked."""
        place = socket_place(self.out)

        def made() -> int | None:
            return place.lstat().st_ctime_ns if place.exists() else None

        stale = made()  # of a run that was killed
        process = self.start(*arguments, **more)
        eventually(lambda: made() not in {None, stale} or process.popen.poll() is not None)
        assert process.popen.poll() is None, process.err
        return process


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox(latency=0.4, clips="tiny", credits=1000) as served:
        yield served


@pytest.fixture
def work(tmp_path: Path, api: Sandbox) -> Controlled:
    return Controlled(tmp_path, api.url)


@pytest.mark.variant
def test_a_run_is_paused_and_resumed(work: Controlled, api: Sandbox) -> None:
    work.write(["a"] * 60, rate="60/minute")
    run = work.begun()
    work.control("rate", "none")
    assert "paused: nothing new is sent" in work.control("pause").out
    eventually(lambda: work.asked("status")["in_flight"] == 0)
    sent = len(api.books()["requests"])
    told = work.asked("status")
    assert (told["state"], told["reason"], told["concurrency"]) == ("paused", "paused", 3)
    assert told["total"] == 60
    assert told["pending"] == 60 - told["succeeded"]
    time.sleep(1.0)  # as long as two answers take
    assert len(api.books()["requests"]) == sent
    work.control("concurrency", 20)
    assert work.asked("resume")["state"] == "running"
    ended = run.end()
    assert ended.code == 0
    assert "as asked by `pipeline control`" in ended.err
    assert len(api.books()["charges"]) == 60
    assert not work.socket.exists()


def test_fifty_added_rows_are_rendered_by_the_run(work: Controlled, api: Sandbox) -> None:
    work.write(["a"] * 10, rate="6/minute")
    run = work.begun("--concurrency", 20)
    work.write(["a"] * 60)  # and no rate
    said = work.control("reload").out
    assert "50 joined" in said
    assert "rate none, before 6/minute" in said
    ended = run.end()
    assert ended.code == 0, ended.err
    assert work.counts() == {"succeeded": 60}
    assert len(api.books()["charges"]) == 60
    assert "60 rendered" in ended.last_line


@pytest.mark.variant
def test_a_bad_job_file_changes_nothing_and_says_every_line(work: Controlled) -> None:
    work.write(["a"] * 12, rate="6/minute")
    run = work.begun()
    good = work.path.read_text()
    head = "model: luma-txt-2-video\noutput: {dir: out}\n"
    work.path.write_text(f"{head}concurency: 3\nrate: fast\nprompts: [a]\n")
    said = work.control("reload", expect=2)
    assert "job.yaml:3" in said.err
    assert "job.yaml:4" in said.err
    assert work.asked("status", "--output", "out")["total"] == 12
    work.path.write_text(good)
    work.control("rate", "none")
    assert run.end().code == 0
    assert work.counts() == {"succeeded": 12}


@pytest.mark.variant
def test_a_half_written_file_keeps_nobody_from_stopping(work: Controlled) -> None:
    work.write(["a"] * 900)
    run = work.begun()
    work.path.write_text("prompts: [")
    assert "--output" in work.control("stop", expect=2).err
    assert "it stops" in work.control("stop", "--output", "out").out
    ended = run.end()
    assert ended.code == 143
    assert "asked for with `pipeline control`" in ended.err


@pytest.mark.variant
def test_a_run_that_waits_for_its_window_can_be_asked_and_stopped(work: Controlled) -> None:
    soon = time.strftime("%H:%M", time.localtime(time.time() + 7200))
    late = time.strftime("%H:%M", time.localtime(time.time() + 10800))
    work.write(["a"] * 3, schedule={"window": f"{soon}-{late}"})
    run = work.begun()
    told = eventually(
        lambda: (t := work.asked("status"))["state"] == "waiting" and t, say="waiting"
    )
    assert told["reason"] == "window"
    assert told["until"] > time.time()
    assert work.asked("concurrency", 7)["concurrency"] == 7
    work.control("stop")
    assert run.end().code == 143


@pytest.mark.variant
def test_a_run_that_waits_for_credits_can_be_asked(tmp_path: Path) -> None:
    with Sandbox(latency=0.05, clips="tiny", credits=2) as poor:
        work = Controlled(tmp_path, poor.url)
        work.write(["a"] * 5)
        run = work.begun("--wait-for-credits")
        eventually(lambda: work.asked("status")["reason"] == "credits")
        assert work.asked("status")["succeeded"] == 2
        work.control("stop")
        assert run.end().code == 143


@pytest.mark.variant
def test_a_dead_run_is_said_to_be_dead_and_its_socket_is_replaced(work: Controlled) -> None:
    work.write(["a"] * 900)
    work.control("pause", expect=2)
    run = work.begun()
    run.kill()
    assert work.socket.exists()
    said = work.control("pause", expect=2)
    assert "no run is in progress" in said.err
    assert "status" in said.err
    again = work.begun("--no-wait")
    assert work.control("stop").out
    again.end()
    assert not work.socket.exists()


@pytest.mark.variant
@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling"])
def test_what_else_has_the_name_is_left_alone(work: Controlled, kind: str) -> None:
    work.write(["a"] * 3)
    work.out.mkdir()
    other = work.folder / "other"
    if kind == "file":
        work.socket.write_text("mine")
    elif kind == "folder":
        work.socket.mkdir()
    else:
        if kind == "link":
            other.write_text("mine")
        work.socket.symlink_to(other)
    before = work.socket.lstat()
    ended = work.run()
    assert ended.code == 0
    assert ended.err.count("`pipeline control` cannot reach this run") == 1
    assert work.socket.lstat().st_ino == before.st_ino
    assert [entry.name for entry in work.out.glob(".c*")] == []


@pytest.mark.variant
def test_a_socket_is_its_users_alone_and_a_long_path_has_another_place(work: Controlled) -> None:
    runtime = Path(tempfile.mkdtemp(prefix="r"))  # a short path
    work.out = work.folder / ("long" * 20) / ("longer" * 10)
    work.write(["a"] * 900, output={"dir": str(work.out.relative_to(work.folder))})
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        run = work.begun()
        place = socket_place(work.out)
        assert place.parent == runtime / "pipeline"
        assert place.stat().st_mode & 0o777 == 0o600
        assert place.parent.stat().st_mode & 0o777 == 0o700
        assert work.asked("status")["total"] == 900
        work.control("stop")
        assert run.end().code == 143
        assert not place.exists()
    finally:
        del os.environ["XDG_RUNTIME_DIR"]


@pytest.mark.variant
def test_a_runtime_folder_that_others_may_enter_is_not_used(work: Controlled) -> None:
    runtime = Path(tempfile.mkdtemp(prefix="r"))
    (runtime / "pipeline").mkdir(parents=True)
    (runtime / "pipeline").chmod(0o777)
    work.out = work.folder / ("long" * 20) / ("longer" * 10)
    work.write(["a"] * 3, output={"dir": str(work.out.relative_to(work.folder))})
    ended = work.run(env={"XDG_RUNTIME_DIR": str(runtime)})
    assert ended.code == 0
    assert ended.err.count("open to other users") == 1


@pytest.mark.variant
def test_the_socket_is_closed_to_others_from_its_first_moment(work: Controlled) -> None:
    work.write(["a"] * 900)
    patch = (
        "import os, socket\n"
        "real = socket.socket.bind\n"
        "def bind(self, at):\n"
        "    real(self, at)\n"
        "    if self.family == socket.AF_UNIX:\n"
        "        folder = os.path.dirname(at)\n"
        "        print('bound in', oct(os.stat(folder).st_mode & 0o777), flush=True)\n"
        "        assert not os.path.exists(os.path.join(os.path.dirname(folder), 'control.sock'))\n"
        "socket.socket.bind = bind\n"
        "os.umask(0)\n"
    )
    run = work.begun(patches=patch)
    assert work.socket.stat().st_mode & 0o777 == 0o600
    work.control("stop")
    ended = run.end()
    assert "bound in 0o700" in ended.out


@pytest.mark.variant
def test_garbage_and_slow_clients_do_not_hurt_the_run(work: Controlled) -> None:
    work.write(["a"] * 900)
    run = work.begun()

    def send(data: bytes, *, end: bool = False) -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(work.socket))
            try:
                client.sendall(data)
                if end:
                    client.shutdown(socket.SHUT_WR)
                said = b""
                while more := client.recv(65536):
                    said += more
            except (BrokenPipeError, ConnectionResetError):
                return b""
            return said

    for data in (b"\n", b"[]\n", b"null\n", b'{"action": 3}\n', b"\xff\xfe\n", b"[" * 9999 + b"\n"):
        assert "error" in json.loads(send(data))
    assert "error" in json.loads(send(b"{", end=True))
    send(b"x" * 70_000)
    with socket.socket(socket.AF_UNIX) as leaving:
        leaving.connect(str(work.socket))
        leaving.sendall(b'{"action": "status"}\n')
    began = time.monotonic()
    assert send(b"") == b""  # closed, unheard
    assert 3 < time.monotonic() - began < 15
    idle = [socket.socket(socket.AF_UNIX) for _ in range(40)]
    for client in idle:
        client.connect(str(work.socket))
    for client in idle:
        client.close()
    assert work.asked("status")["state"] == "running"
    work.control("stop")
    assert run.end().code == 143


@pytest.mark.variant
def test_two_who_ask_at_once_are_both_answered(work: Controlled) -> None:
    work.write(["a"] * 900)
    run = work.begun()
    line = [sys.executable, "-m", "pipeline", "control", "job.yaml", "--json"]
    asking = [
        subprocess.Popen(
            [*line, "concurrency", str(n)], cwd=work.folder, stdout=subprocess.PIPE, text=True
        )
        for n in (4, 5)
    ]
    told = [json.loads(each.communicate(timeout=60)[0])["concurrency"] for each in asking]
    assert told == [4, 5]
    work.control("stop")
    assert run.end().code == 143


@pytest.mark.variant
def test_a_run_that_dies_while_it_is_asked_leaves_no_traceback(work: Controlled) -> None:
    work.write(["a"] * 900)
    run = work.begun()
    run.send(signal.SIGSTOP)
    asking = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "control", "job.yaml", "status"],
        cwd=work.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(3)  # it has asked by now, or asks a dead one: both are answered the same
    run.popen.kill()
    _, err = asking.communicate(timeout=60)
    assert asking.returncode == 2
    assert "Traceback" not in err
    assert "nothing was changed" in err
    run.end()


@pytest.mark.variant
def test_a_job_that_runs_already_says_how_to_reload_it(work: Controlled) -> None:
    work.write(["a"] * 900)
    run = work.begun()
    second = work.run()
    assert second.code == 2
    assert "pipeline control" in second.err
    assert "reload" in second.err
    work.control("stop")
    assert run.end().code == 143


@pytest.mark.variant
def test_sigusr1_says_what_status_says(work: Controlled) -> None:
    work.write(["a"] * 900)
    run = work.begun()
    work.control("pause")
    eventually(lambda: work.asked("status")["in_flight"] == 0)
    lines = work.control("status").out.splitlines()
    run.send(signal.SIGUSR1)
    eventually(lambda: "status: " in run.err)
    for line in lines:
        assert line in run.err
    work.control("stop")
    assert run.end().code == 143


@pytest.mark.variant
def test_a_run_is_controlled_from_python(work: Controlled) -> None:
    work.write(["a"] * 900)
    run = work.begun()
    job = pipeline.load(work.path)
    standing = pipeline.control(job, "concurrency", 7)
    assert (standing.concurrency, standing.state) == (7, "running")
    with pytest.raises(pipeline.PipelineError):
        pipeline.control(job, "concurrency", 0)
    assert pipeline.control(job, "stop").state == "stopping"
    assert run.end().code == 143
    with pytest.raises(pipeline.PipelineError, match="no run is in progress"):
        pipeline.control(job, "status")


@pytest.mark.variant
def test_the_key_is_in_no_answer(work: Controlled) -> None:
    work.write(["a"] * 900)
    run = work.begun()
    work.path.write_text(f"model: luma-txt-2-video\n{KEY}: 3\nprompts: [a]\n")
    said = work.control("reload", "--output", "out", expect=2)
    assert KEY not in said.err
    work.control("stop", "--output", "out")
    work.path.unlink()
    assert run.end().code == 143


@pytest.mark.variant
def test_the_server_sees_a_lower_and_a_higher_concurrency(tmp_path: Path) -> None:
    with Sandbox(latency=1.0, clips="tiny", credits=2000) as slow:
        work = Controlled(tmp_path, slow.url)
        work.write(["a"] * 1500)
        run = work.begun("--concurrency", 20)
        eventually(lambda: slow.books()["in_flight"] == 20)
        assert work.asked("concurrency", 3)["concurrency"] == 3
        answered = time.time()
        # Within one answer's time, and a margin for a machine that is busy with other tests.
        eventually(lambda: slow.books()["in_flight"] <= 3)
        assert time.time() - answered < 1.0 + 2.0
        low = time.time()
        time.sleep(3.0)  # three answers' time
        came = sum(low <= each["arrived"] for each in slow.books()["requests"])
        assert came <= 3 * (3 + 1)
        assert slow.books()["in_flight"] <= 3
        work.control("concurrency", 20)
        eventually(lambda: slow.books()["in_flight"] == 20)
        assert slow.books()["peak_in_flight"] == 20
        work.control("stop")
        assert run.end().code == 143


@pytest.mark.variant
def test_the_server_sees_a_new_rate(work: Controlled, api: Sandbox) -> None:
    work.write(["a"] * 900)
    run = work.begun()
    work.control("rate", "120/minute")
    set_at = time.time()
    eventually(lambda: sum(r["arrived"] > set_at for r in api.books()["requests"]) >= 8)
    came = sorted(r["arrived"] for r in api.books()["requests"] if r["arrived"] > set_at)
    gaps = [after - before for before, after in itertools.pairwise(came)]
    assert min(gaps) >= 0.95 * 0.5
    work.control("stop")
    assert run.end().code == 143
