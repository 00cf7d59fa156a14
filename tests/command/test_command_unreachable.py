"""What the command says, and how soon it ends, where nobody can be reached."""

import socket

import pytest
from support.command import CommandWorkspace, raw_server
from support.raw import Line

from pipeline.api.endpoint import Endpoint
from pipeline.errors import ExitCode

pytestmark = pytest.mark.few(0)


async def nothing(line: Line) -> None:
    await line.read_request()


def test_nobody_listening_here_ends_the_run_in_seconds_and_is_named(
    workspace: CommandWorkspace,
) -> None:
    workspace.write(["a lighthouse"] * 3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        run = workspace.run(url=f"http://{address}", within=40)
    assert run.code in {ExitCode.OUTAGE, ExitCode.API_REFUSES}
    assert f"no connection to {address}: Connection refused" in run.err
    assert not workspace.manifest


def test_a_certificate_that_nobody_vouches_for_ends_the_run_in_seconds_and_is_named(
    workspace: CommandWorkspace,
) -> None:
    workspace.write(["a lighthouse"] * 3)
    with raw_server(nothing, tls=True) as server:
        run = workspace.run(url=server.url, within=40)
        assert not any(line.request for line in server.lines)
    assert run.code in {ExitCode.OUTAGE, ExitCode.API_REFUSES}
    assert f"the certificate of localhost:{server.port} is not trusted" in run.err


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://api.segmind.com", "api.segmind.com:443"),
        ("http://127.0.0.1:8080/base", "127.0.0.1:8080"),
        ("http://[::1]:5", "[::1]:5"),
        ("http://localhost", "localhost:80"),
    ],
)
def test_an_address_is_host_and_port(url: str, address: str) -> None:
    assert Endpoint(url, "key").address == address
