"""What contributors use: changelog fragments, pre-commit hooks, the workflow for an outside CI."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.unmeasured import UNMEASURED

ROOT = Path(__file__).parent.parent
FRAGMENTS = sorted(path for path in (ROOT / "changelog.d").iterdir() if path.name.startswith("+"))


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_changelog_fragment_is_named_as_the_tool_expects(path: Path) -> None:
    assert re.fullmatch(r"\+[a-z0-9-]+\.(added|changed|fixed)\.md", path.name)


def test_fragments_move_into_the_newest_section_of_the_changelog(tmp_path: Path) -> None:
    for name in ("CHANGELOG.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "changelog.d", tmp_path / "changelog.d")
    (tmp_path / "changelog.d" / "+new.added.md").write_text("A change in\ntwo lines.\n")
    command = [sys.executable, "-m", "towncrier", "build", "--yes", "--version=next"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    changelog = (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = changelog.split("\n## ")[1]
    assert "\n- A change in\n  two lines.\n" in newest
    for path in FRAGMENTS:
        assert path.read_text(encoding="utf-8").splitlines()[0] in newest
    assert not [*(tmp_path / "changelog.d").glob("+*")]
    before = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog.endswith(before.partition("<!-- new changes -->\n")[2])


def test_what_is_left_out_of_coverage_is_there() -> None:
    assert [path for path in UNMEASURED if not path.is_file()] == []


def test_pre_commit_hooks_fetch_nothing_and_make_check_runs_them_too() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].replace(".venv/bin/python", "$(PY)") in makefile


def test_the_workflow_runs_the_ci_script_on_every_supported_python() -> None:
    (job,) = read(".github/workflows/ci.yml")["jobs"].values()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    supported = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    assert job["strategy"]["matrix"]["python"] == supported
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
