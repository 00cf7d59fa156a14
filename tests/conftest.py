"""What tests of the whole command share; its parts are in `helpers`."""

import os
from pathlib import Path

import pytest
from helpers import Desk

# Many tests start the command: compiling its imports each time would be most of their time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with a job, and the real command at work in it."""
    return Desk(tmp_path)
