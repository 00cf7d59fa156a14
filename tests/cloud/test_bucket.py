"""Outputs in a bucket, through the real command, obstore, and moto's server."""

import pytest
from support.moto_server import FaultyBucket

from cloud.conftest import ADDRESS, CloudWorkspace, nothing_sent_twice
from sandbox.testing import Sandbox

pytestmark = pytest.mark.cloud


def test_clips_go_to_the_bucket_and_the_records_stay_here(workspace: CloudWorkspace) -> None:
    workspace.render(prompts=6)
    with Sandbox(clips="tiny") as api:
        run = workspace.run(url=api.url)
        assert run.code == 0, run.err
        assert workspace.sound() == 6
        print(run.err)
        print(workspace.bucket.keys())
        nothing_sent_twice(api.books())
        again = workspace.run(url=api.url)
        assert again.code == 0, again.err
    assert len(workspace.visible()) == 6
    assert not workspace.claims()
    workspace.secrets_stay_out()
