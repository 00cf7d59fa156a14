"""The commands that are shown work as they stand, however the program was called."""

import html
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.testing import Sandbox
from tests.cli.conftest import Terminal, clean_environment

pytestmark = pytest.mark.few(0)

ROOT = Path(__file__).parent.parent.parent
SCRIPT = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from pipeline.__main__ import main
main()
"""
REFUSED = """\
model: luma-txt-2-video
prompts: [an owl, "a fox [[fail moderation]]"]
credits: {cost: 0.95}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    script = tmp_path / "bin" / "pipeline"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    (tmp_path / "job.yaml").write_text(REFUSED)
    return tmp_path


def shell(line: str, folder: Path, url: str, *, on_path: bool = False) -> tuple[int, str]:
    """Run a line as a person types it."""
    env = clean_environment(SEGMIND_API_KEY="k" * 16, SEGMIND_BASE_URL=url, PYTHONPATH=str(ROOT))
    env["PATH"] = f"{folder / 'bin'}:{env['PATH']}" if on_path else env["PATH"]
    done = subprocess.run(
        line, shell=True, cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("called", ["pipeline", "bin/pipeline", f"{sys.executable} -m pipeline"])
def test_a_suggested_command_can_be_typed_as_it_stands(
    called: str, folder: Path, sandbox: Sandbox
) -> None:
    on_path = called == "pipeline"
    code, said = shell(f"{called} run job.yaml", folder, sandbox.url, on_path=on_path)
    assert code == 1, said
    shown = re.findall(r"failed tasks again: +(.*)", said)
    assert shown == [f"{called} run job.yaml --retry failed"]
    code, said = shell(shown[0], folder, sandbox.url, on_path=on_path)
    assert code == 1, said
    assert "1 to render" in said
    code, said = shell(f"{called} init next.yaml", folder, sandbox.url, on_path=on_path)
    (shown,) = re.findall(r"Next: (.*)", said)
    assert shown == f"{called} check next.yaml"
    assert shell(shown, folder, sandbox.url, on_path=on_path)[0] == 0


def test_make_suggests_make(folder: Path, sandbox: Sandbox) -> None:
    (folder / "job.yaml").rename(folder / "my job.yaml")
    render = f"{sys.executable} {ROOT / 'scripts' / 'render.py'} 'my job.yaml'"
    code, said = shell(render, folder, sandbox.url)
    assert code == 1, said
    assert "again:   make render JOB='my job.yaml' ARGS='--retry failed'\n" in said


@pytest.mark.few(0)
@pytest.mark.parametrize("columns", [60, 200])
def test_the_demo_names_clips_and_ends_with_commands_that_work(
    folder: Path, on_terminal: Terminal, columns: int
) -> None:
    (folder / "jobs").mkdir()
    shutil.copy(ROOT / "jobs" / "demo.yaml", folder / "jobs")
    demo = ROOT / "scripts" / "demo.py"
    screen = on_terminal(columns=columns, env={"PYTHONPATH": str(ROOT)}, program=[str(demo)])
    assert screen.code == 0, screen.text
    for name in ("tideline", "night-market", "observatory"):
        assert name in screen.text
    assert not re.search(r"127\.0\.0\.1|--base-url|pipeline run", screen.text.split("exit 1: ")[1])
    assert "The demo went well: only theatre failed, as it should." in screen.text
    for line in screen.text.split("The demo went well")[1].splitlines():
        assert len(line) <= 60
    ending = screen.text.split("Go on with:\n")[1].splitlines()
    commands = [re.split(r"  +", line.strip())[0] for line in ending]
    assert commands == [
        "make open JOB=jobs/demo.yaml",
        "make status JOB=jobs/demo.yaml",
        "make demo",
    ]
    targets = (ROOT / "Makefile").read_text()
    assert all(
        re.search(rf"^{command.split()[1]}: ", targets, re.MULTILINE) for command in commands
    )


def demo(folder: Path) -> tuple[int, str]:
    """Run the demo without a terminal, in a folder of its own."""
    if not (folder / "jobs").exists():
        (folder / "jobs").mkdir()
        shutil.copy(ROOT / "jobs" / "demo.yaml", folder / "jobs")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "demo.py"], cwd=folder, check=False,
        env=clean_environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_demo_kills_its_run_and_neither_loses_a_clip_nor_pays_for_one_twice(
    folder: Path,
) -> None:
    code, said = demo(folder)
    assert code == 0, said
    before, after = said.split("This demo has killed the run: SIGKILL, as by kill -9.")
    assert "demo: 12 tasks; 12 to render" in before
    assert "exit " not in before
    assert "12 tasks; 12 to render" not in after
    assert " found: " in after
    assert "in doubt:" not in after
    assert "charged   $10.45 for 11 clips" in after
    assert "recorded  $10.45 in the manifest" in after
    assert len(list((folder / "jobs" / "outputs" / "demo").glob("*.mp4"))) == 11
    code, said = demo(folder)
    assert code == 0, said
    assert "killed" not in said
    assert "11 done, 1 failed; 0 to render" in said


def test_a_suggested_command_has_the_flags_of_the_one_that_was_called(
    folder: Path, sandbox: Sandbox
) -> None:
    flags = [
        "--output", "my clips", "--concurrency", "2", "--base-url", sandbox.url, "--until", "06:30",
        "--wait-for-credits=90.0", "--log-file", "logs/a.jsonl", "--no-fsync",
    ]  # fmt: skip
    program = f"{sys.executable} -m pipeline"
    called = f"{program} run job.yaml --retry missing {shlex.join(flags)}"
    code, said = shell(called, folder, "http://127.0.0.1:9")
    assert code == 1, said
    (shown,) = re.findall(r"failed tasks again: +(.*)", said)
    words = shlex.split(shown.removeprefix(program))
    assert words[:2] == ["run", "job.yaml"]
    assert words[-2:] == ["--retry", "failed"]
    assert "missing" not in words
    for flag, value in zip(flags[:8:2], flags[1:8:2], strict=True):
        assert words[words.index(flag) + 1] == value
    assert {"--wait-for-credits=90.0", "--no-fsync"} <= set(words)
    again, said = shell(shown, folder, "http://127.0.0.1:9")
    assert again == 1, said
    assert "1 to render" in said
    # The page of the run shows it too.
    page = (folder / "my clips" / "report.html").read_text(encoding="utf-8")
    assert html.escape(shown) in page


@pytest.mark.few(0)
def test_a_flag_that_was_given_without_its_value_is_shown_without(
    folder: Path, sandbox: Sandbox
) -> None:
    called = f"{sys.executable} -m pipeline run job.yaml --wait-for-credits --limit 1"
    _, said = shell(called, folder, sandbox.url)
    (shown,) = re.findall(r"the rest: +(.*)", said)
    assert shown.endswith(" run job.yaml --limit 1 --wait-for-credits")
    assert shell(shown, folder, sandbox.url)[0] == 1


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_does_not_break_a_command_or_a_reason(
    folder: Path, on_terminal: Terminal, columns: int
) -> None:
    on_terminal("run", "job.yaml", "--output", "a folder of a long name", columns=columns)
    screen = on_terminal(
        "run", "job.yaml", "--retry", "failed", "--output", "a folder of a long name",
        columns=columns,
    )  # fmt: skip
    assert screen.code == 1
    lines = screen.text.splitlines()
    assert any(
        line.endswith("run job.yaml --output 'a folder of a long name' --retry failed")
        for line in lines
    ), screen.text
    assert any("failed: a-fox" in line and "moderation" in line for line in lines)
    assert any("exit 1: " in line and "rendered in" in line for line in lines)


def test_a_key_in_a_flag_is_in_no_suggested_command(folder: Path, sandbox: Sandbox) -> None:
    called = f"{sys.executable} -m pipeline run job.yaml --output {'k' * 16}/here"
    code, said = shell(called, folder, sandbox.url)
    assert code == 1, said
    (shown,) = re.findall(r"failed tasks again: +(.*)", said)
    assert "[key]/here" in shown
    assert "k" * 12 not in shown
    page = (folder / ("k" * 16) / "here" / "report.html").read_text(encoding="utf-8")
    assert "k" * 12 not in page
