"""What people see on a terminal, narrow and wide: the real command, the real sandbox, a pty."""

import re
from pathlib import Path

import pytest

from sandbox.testing import Sandbox
from tests.cli.conftest import KEY, Terminal

pytestmark = pytest.mark.few(1)

_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(text: str) -> str:
    return _SEQUENCE.sub("", text)


@pytest.fixture
def anonymous(tmp_path: Path) -> Path:
    """A job whose prompts have no ids, so that their identities are hashes."""
    path = tmp_path / "job.yaml"
    path.write_text(
        "model: luma-txt-2-video\nprompts:\n  - A lighthouse at dusk, camera orbit right\n"
        "  - A harbour in the rain [[fail moderation]]\n",
        encoding="utf-8",
    )
    return path


@pytest.mark.variant
@pytest.mark.parametrize("columns", [60, 200])
def test_what_is_in_flight_and_what_failed_have_names_that_mean_something(
    on_terminal: Terminal, anonymous: Path, columns: int
) -> None:
    with Sandbox(latency=0.6, clips="tiny") as slow:
        env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": slow.url}
        done = on_terminal("run", anonymous, columns=columns, env=env)
    assert done.code == 1
    lines = plain(done.text).splitlines()
    flying = [line for line in lines if re.match(r" *[\d.]+ s +a-lighthouse-at-dusk", line)]
    assert flying, done.text
    assert any(
        re.match(r" *[\d.]+ s +a-lighthouse-at-dusk-camera-orbit-right *(A |$)", f) for f in flying
    )
    assert re.search(r"failed:\s+a-harbour-in-the-rain", plain(done.text))
    assert "~" not in plain(done.text)
