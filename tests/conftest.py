"""What tests of the whole command share; its parts are in `helpers`."""

import os
import signal
from pathlib import Path

import pytest
from helpers import Desk

# Many tests start the command: compiling its imports each time would be most of their time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell starts what it puts into the background with these ignored; the tests send them.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with a job, and the real command at work in it."""
    return Desk(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the long runs more time than `timeout` in pyproject.toml."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(1800))
