"""The commands that are shown work as they stand, however the program was called."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.sandbox.testing import Sandbox
from tests.cli.conftest import Terminal, clean_environment

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
    ending = screen.text.split("Go on with:\n")[1].splitlines()
    for line in ending:
        assert len(line) < 60
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
