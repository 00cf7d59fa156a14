"""What tests of the whole command share; its parts are in `helpers`."""

import atexit
import os
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from support.helpers import Workspace

pytest_plugins = ["support.slices", "support.transitions", "support.unmeasured"]

# Many tests start the command: compiling its imports each time would be most of their time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell starts what it puts into the background with these ignored; the tests send them.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


# A process more for each run with a clip; the tests of posters take it away.
os.environ["PIPELINE_NO_POSTERS"] = "1"

# Before any fixture: those of a module begin before `state_folder`.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a state folder of its own: no test meets the runs of another, or a user's."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A folder with a job, and the real command at work in it."""
    return Workspace(tmp_path)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave most variants of what runs the real command to `make test-variants`."""
    # Of the first tests no other worker of xdist takes a part: what they share is set up once.
    items.sort(key=lambda item: item.get_closest_marker("together") is None)
    seen: Counter[str] = Counter()
    for item in items:
        few = item.get_closest_marker("few")
        test = item.nodeid.partition("[")[0]
        seen[test] += 1
        if few is not None and seen[test] > few.args[0]:
            item.add_marker(pytest.mark.variant)
        # More time than `timeout` in pyproject.toml.
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(1800))
