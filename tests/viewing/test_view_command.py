"""The real command: its address, its end, and what it refuses."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.command import eventually

from pipeline.cli.edge import run_command
from pipeline.cli.view import _browse, _refuse_without_extra
from pipeline.errors import UsageError

KEY = "sk-view-0123456789abcdef"


@contextmanager
def started(path: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "view", path.name, *flags],
        cwd=path.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_line_is_the_address_and_a_signal_ends_it(
    write: Any, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    with started(write("one")) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        token = httpx.URL(address).params["token"]
        with httpx.Client(follow_redirects=True, trust_env=False) as browser:
            page = browser.get(address)
            assert page.status_code == 200
            assert page.url.path == "/job/"
            with browser.stream("GET", page.url.join("events")) as events:
                lines = events.iter_lines()
                assert next(lines).startswith("id: ")
                process.send_signal(number)
                assert not any(token in line for line in lines)  # to its end
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, "")
        assert token not in err
        assert KEY not in err + page.text
        assert "Traceback" not in err


def test_a_port_that_is_taken_is_said(write: Any, capsys: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run_command(["view", str(write("one")), "--port", str(port)]) == 2
    assert f"port {port}" in capsys.readouterr().err


def test_what_cannot_be_shown_is_refused_before_anything_is_served(
    write: Any, tmp_path: Path, capsys: Any
) -> None:
    assert run_command(["view", str(tmp_path / "nix.yaml")]) == 2
    two = [str(write("one", name="a")), str(write("one", name="b"))]
    assert run_command(["view", *two, "--output", str(tmp_path)]) == 2
    assert "--output is for one job" in capsys.readouterr().err
    assert run_command(["view"]) == 2


def test_without_the_extra_the_line_that_installs_it_is_said() -> None:
    with pytest.raises(UsageError) as refused:
        _refuse_without_extra(("starlette", "a_module_that_is_nowhere"))
    assert refused.value.exit_code == 2
    assert "'.[view]'" in str(refused.value.hint)


def test_the_browser_gets_the_address_from_a_file_of_ours_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener, seen = tmp_path / "xdg-open", tmp_path / "seen"
    opener.write_text(f'#!/bin/sh\necho "$1" > {seen}.part && mv {seen}.part {seen}\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    address = "http://127.0.0.1:1/?token=secret"
    with ExitStack() as resources:
        _browse(resources, address)
        eventually(seen.exists)
        place = Path(seen.read_text().strip().removeprefix("file://"))
        assert address in place.read_text()
        assert "secret" not in str(place)
        assert place.stat().st_mode & 0o077 == 0
    assert not place.exists()
