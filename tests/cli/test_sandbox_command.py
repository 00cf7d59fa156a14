"""`pipeline sandbox` takes the sandbox that was installed with it, whatever else has its name."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from pipeline.cli.sandbox import load_sandbox
from pipeline.errors import UsageError
from tests.cli.conftest import Command

HOSTILE = "raise SystemExit('the working directory was imported')\n"


@pytest.mark.variant
@pytest.mark.parametrize("name", ["sandbox.py", "sandbox/__init__.py", "sandbox/command.py"])
def test_what_is_called_sandbox_in_the_working_directory_is_not_imported(
    pipeline_process: Command, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(HOSTILE)
    done = pipeline_process("sandbox", "--help")
    assert (done.code, done.err) == (0, "")
    assert "Simulate the API on loopback" in done.out


def test_a_missing_sandbox_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"`sandbox` is missing from {tmp_path}") as caught:
        load_sandbox(tmp_path)
    assert caught.value.hint is not None


def test_a_folder_without_code_is_not_taken_for_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "sandbox").mkdir()
    with pytest.raises(UsageError, match="missing"):
        load_sandbox(tmp_path)


def test_another_sandbox_that_is_already_imported_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sandbox", ModuleType("sandbox"))
    with pytest.raises(UsageError, match="has imported another `sandbox`"):
        load_sandbox()
