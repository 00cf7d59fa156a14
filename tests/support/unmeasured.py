"""Which tests run without coverage being measured, as that would double or triple their time.

A pytest plugin. They are whole nights, searches and comparisons, which repeat the same lines very
often; other tests run those lines too. What `make coverage` asks, it asks of the others.
"""

import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
UNMEASURED = {
    TESTS / name
    for name in (
        "account/test_limit_of_several.py",
        "account/test_random_worlds.py",
        "api/test_http1.py",
        "api/test_transport.py",
        "benchmark/test_race.py",
        "benchmark/test_server.py",
        "job/test_job_fuzz.py",
        "money/test_gate_properties.py",
        "runtime/test_answers_of_workers.py",
        "runtime/test_night_429.py",
        "runtime/test_night_limits.py",
        "settling/test_matching_properties.py",
        "simulation/test_simulation.py",
    )
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them for pytest-cov."""
    for item in items:
        if item.path in UNMEASURED:
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True, trylast=True)  # within pytest-cov's own, which pauses what it began
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Pause what goes on below: coverage that began with the process, a worker of xdist's."""
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    here, elsewhere = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    try:
        return (yield)
    finally:
        sys.settrace(here)
        threading.settrace(elsewhere)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def unmeasured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the commands that such a test starts no more than the test itself."""
    if request.node.get_closest_marker("no_cover"):
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
