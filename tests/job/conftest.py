"""Fixtures of the job file's tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.job_workspace import JobWorkspace


@pytest.fixture
def workspace(tmp_path: Path) -> JobWorkspace:
    return JobWorkspace(tmp_path)


@pytest.fixture
def ids(workspace: JobWorkspace) -> Callable[[str], list[str]]:
    return lambda text: [task.id for task in workspace.brief(text)]
