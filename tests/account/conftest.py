"""A folder for a ledger, a clock of the test's own, and another machine under a command."""

import gc
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from account.ledger_world import Clock

from pipeline.account.ledger import Ledger


@pytest.fixture(autouse=True)
def closed_ledgers() -> Iterator[None]:
    """Close what a test has left open; until then nothing is collected.

    A connection that is collected open is a warning, from Python 3.13 on.
    """
    gc.disable()
    yield
    for each in gc.get_objects():
        if type(each) is Ledger:
            each.close()
    gc.enable()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "0123456789abcdef"


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What puts another clock, or a folder that fails, under a command: for its LD_PRELOAD."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("another machine is made of a few lines of C, and there is no compiler")
    made = tmp_path_factory.mktemp("machine") / "machine.so"
    source = Path(__file__).parents[1] / "support" / "machine.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return str(made)
