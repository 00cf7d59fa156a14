"""A doubt that the provider lists, whose output cannot be had: it is waited for, then in doubt."""

from pathlib import Path

import pytest
from support.command import CommandWorkspace, eventually

from sandbox.testing import Sandbox

IMPATIENT = "provider = Segmind(Timeouts(stall=1.0))"
FLAGS = ("--no-fsync", "--no-wait")


@pytest.mark.slow
def test_a_listed_output_that_is_no_clip_is_rendered_again_where_the_user_says_so(
    tmp_path: Path,
) -> None:
    with Sandbox(clips="tiny", latency=0.5, history="missing", fault=["nonmedia=1"]) as api:
        workspace = CommandWorkspace(tmp_path, api.url)
        workspace.write(["a boat"])
        client = workspace.start(*FLAGS, provider=IMPATIENT)
        eventually(api.requests)
        client.kill()
        assert workspace.run(*FLAGS, provider=IMPATIENT).code == 1
        assert workspace.counts() == {"in_doubt": 1}

        api.change(history="json")
        api.set_faults({"nonmedia": 0})
        listed = workspace.run(*FLAGS, provider=IMPATIENT)
        assert listed.code == 1
        assert "stays in doubt: its output cannot be fetched" in listed.err
        assert len(api.requests()) == 1

        again = workspace.run("--retry", "in-doubt", *FLAGS, provider=IMPATIENT)
        assert again.code == 0, again.err
        assert workspace.counts() == {"succeeded": 1}
        assert len(api.requests()) == 2
        assert not workspace.claims()
        spent, at_risk = workspace.money()
        assert workspace.charged(api.books()) == spent + at_risk
