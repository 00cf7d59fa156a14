"""Sandboxes, and a client of them."""

from collections.abc import Iterator

import httpx
import pytest
from support.simulated import Client

from sandbox.testing import Sandbox


@pytest.fixture(scope="module")
def session() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60, trust_env=False) as made:
        yield made


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """One for all tests of a module that change nothing but its books."""
    with Sandbox(latency=0, clips="tiny", credits=1000) as running:
        yield running


@pytest.fixture(scope="module")
def api(box: Sandbox, session: httpx.Client) -> Client:
    return Client(box, session)
