"""A folder for a ledger, and a clock of the test's own."""

from pathlib import Path

import pytest
from account.ledger_world import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "0123456789abcdef"
