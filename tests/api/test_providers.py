"""The registry of providers, and what crosses the port."""

import pickle
import subprocess
import sys

import pytest
from support.raw import Attempt, Line, answer, make_task

from pipeline.api import providers
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Outcome
from pipeline.errors import UsageError


def test_a_provider_is_found_by_its_name() -> None:
    assert providers.get("segmind").name == "segmind"
    assert providers.get() is providers.get(providers.DEFAULT)


def test_an_unknown_provider_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="segmnd") as caught:
        providers.get("segmnd")
    assert "segmind" in (caught.value.hint or "")


def test_of_an_unknown_model_nothing_is_known() -> None:
    model = providers.get().model("no-such-model")
    assert (model.price, model.seconds, model.parameters) == (None, None, None)


async def test_an_outcome_does_not_carry_back_what_was_sent(attempt: Attempt) -> None:
    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer())

    outcome = await attempt(act, task=make_task(image="x" * 1_000_000))
    assert outcome.body is not None
    assert len(pickle.dumps(outcome)) < 4096


@pytest.mark.parametrize("name", ["segmind", "segmind-v2"])
def test_a_provider_says_how_it_works_and_which_hosts_get_the_key(name: str) -> None:
    provider = providers.get(name)
    assert provider.about
    assert provider.lists_requests
    assert provider.hosts == (
        "api.segmind.com",
        "api.spotprod.segmind.com",
        "workflows-api.segmind.com",
    )
    assert (provider.key_variable, provider.url_variable) == ("SEGMIND_API_KEY", "SEGMIND_BASE_URL")
    assert provider.models is providers.get().models


def test_a_model_that_only_v1_has_is_told_with_the_way_out() -> None:
    outcome = Outcome(took=1, status=404)
    assert "provider: segmind" in providers.get("segmind-v2").judge(make_task(), outcome).advice
    assert "provider:" not in providers.get("segmind").judge(make_task(), outcome).advice


def test_knowing_the_providers_needs_no_http() -> None:
    code = "import sys, pipeline.api.providers; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("url", ["https://h/a b", "https://h\\@x", "https://h/" + "x" * 9000])
def test_a_base_url_that_could_not_be_asked_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="URL"):
        Endpoint(url, "key")
