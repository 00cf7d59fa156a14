"""Fixtures of the tests of faults; what they are made of is in `raw` and `command`."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.testing import Sandbox
from support.command import CommandWorkspace
from support.raw import Act, Attempt, Raw, Serve


@pytest.fixture
def serve() -> Serve:
    """Serve raw bytes on loopback: `async with serve(act) as server`."""

    @asynccontextmanager
    async def serving(act: Act, **options: Any) -> AsyncIterator[Raw]:
        server = Raw(act)
        await server.open(**options)
        try:
            yield server
        finally:
            await server.close()

    return serving


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "one.part"


@pytest.fixture
def attempt(serve: Serve, part: Path) -> Attempt:
    return Attempt(serve, part)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One for all commands; what is to happen stands in their prompts."""
    with Sandbox(
        latency=0.02, clips="tiny", credits=1_000_000, retry_after=1, slow_seconds=0.6
    ) as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, sandbox: Sandbox) -> CommandWorkspace:
    return CommandWorkspace(tmp_path, sandbox.url)
