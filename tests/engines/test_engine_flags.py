"""Which flags choose an engine; what contradicts itself is refused, and nothing is sent."""

from pathlib import Path

import pytest
from support.command import CommandWorkspace

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def place(tmp_path: Path) -> CommandWorkspace:
    place = CommandWorkspace(tmp_path, NOWHERE)
    place.write(["a"])
    return place


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--engine", "ray"), "--ray-address"),
        (("--ray-address", "10.0.0.5:6379"), "--engine ray"),
        (("--workers", "2"), "--engine ray"),
        (("--engine", "ray", "--ray-address", "auto"), "auto"),
        (("--engine", "ray", "--ray-address", "ray://10.0.0.5:10001"), "10.0.0.5:6379"),
        (("--engine", "dask"), "dask"),
    ],
)
def test_what_chooses_no_cluster_is_refused(
    place: CommandWorkspace, flags: tuple[str, ...], named: str
) -> None:
    run = place.call(*flags)
    assert run.code == 2
    assert named in run.err
    assert place.manifest == []
