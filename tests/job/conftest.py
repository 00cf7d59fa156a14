"""Fixtures of the job file's tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.job_desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def ids(desk: Desk) -> Callable[[str], list[str]]:
    return lambda text: [task.id for task in desk.brief(text)]
