"""`--slice 2/4`, with which CI plays a part of the variants: the slices are a partition."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.slices import parse, slice_of

ROOT = Path(__file__).parent.parent
NAMES = [f"tests/cli/test_one.py::test_it[{number}]" for number in range(800)]
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # other plugins take long to start
TESTS = """\
import pytest

@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("chosen", [pytest.param(1, marks=pytest.mark.slow), 0])
def test_it(number, chosen):
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow: some\n", encoding="utf-8")
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    return tmp_path


def collect(folder: Path, *arguments: str) -> tuple[list[str], str]:
    pytest_command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "support.slices",
        "--collect-only",
        "-q",
    ]
    done = subprocess.run(
        [*pytest_command, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), **BARE},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    return re.findall(r"^test_it.py::\S+", said, re.MULTILINE), said


@pytest.mark.no_cover
def test_every_chosen_test_is_in_exactly_one_slice(folder: Path) -> None:
    every, _ = collect(folder, "-m", "slow")
    assert len(every) == 20
    slices = [collect(folder, "-m", "slow", "--slice", f"{which}/2")[0] for which in (1, 2)]
    assert all(slices)
    assert sorted(name for each in slices for name in each) == sorted(every)


def test_no_slice_is_much_larger_than_another() -> None:
    sizes = Counter(slice_of(name, 4) for name in NAMES)
    assert sorted(sizes) == [1, 2, 3, 4]
    assert max(sizes.values()) - min(sizes.values()) < 100


def test_the_slice_of_a_test_depends_on_its_name_alone() -> None:
    assert [slice_of(name, 4) for name in NAMES[:12]] == [4, 1, 2, 2, 1, 2, 2, 2, 4, 3, 4, 2]


@pytest.mark.parametrize("asked", ["5/4", "0/4", "-1/4", "2", "a/b", "1/0", "/", "1/2/3"])
def test_a_slice_that_does_not_exist_is_refused(asked: str) -> None:
    with pytest.raises(pytest.UsageError, match=re.escape(f"--slice={asked} names no slice")):
        parse(asked)


@pytest.mark.no_cover
def test_before_anything_runs(folder: Path) -> None:
    found, said = collect(folder, "--slice=5/4")
    assert not found
    assert "--slice=5/4 names no slice: write 2/4 for the second of four" in said
