"""The types of the public API, as mypy shows them to a program that installed the package."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline

PROGRAM = Path(__file__).with_name("public_api.py")
ROOT = Path(__file__).parents[2]


@pytest.mark.variant
def test_a_program_that_uses_the_public_api_is_type_checked(tmp_path: Path) -> None:
    # From elsewhere, so that mypy finds the package where it is installed.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", PROGRAM,
         f"--cache-dir={ROOT / '.mypy_cache' / 'typing'}"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "MYPYPATH"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_program_uses_every_public_name() -> None:
    used = set(re.findall(r"\bpipeline\.(\w+)", PROGRAM.read_text(encoding="utf-8")))
    assert used | {"events"} >= set(pipeline.__all__)
