"""A part of the tests: `--slice 2/4` runs the second of four, that are about as large.

A pytest plugin. In which slice a test is, its name alone decides: every test is in exactly one, on
every machine and in every worker of xdist, and a new test moves no other.
"""

import hashlib

import pytest


def slice_of(name: str, count: int) -> int:
    """Name the slice, from 1 to `count`, in which the test of this name is."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % count + 1


def parse(text: str) -> tuple[int, int]:
    """Read `2/4`: which slice, of how many.

    Raises:
        pytest.UsageError: If there is no such slice.
    """
    which, _, count = text.partition("/")
    if which.isdecimal() and count.isdecimal() and 1 <= int(which) <= int(count):
        return int(which), int(count)
    raise pytest.UsageError(f"--slice={text} names no slice: write 2/4 for the second of four")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names a slice."""
    parser.addoption(
        "--slice", default="1/1", metavar="K/N", help="run the K-th of N parts of the tests only"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a slice that does not exist before anything is collected."""
    parse(config.getoption("slice"))


@pytest.hookimpl(trylast=True)  # of what `-m` and `-k` have chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of other slices."""
    which, count = parse(config.getoption("slice"))
    others = [item for item in items if slice_of(item.nodeid, count) != which]
    if others:
        items[:] = [item for item in items if slice_of(item.nodeid, count) == which]
        config.hook.pytest_deselected(items=others)
