"""The registry of providers, and what crosses the port."""

import pickle

import pytest
from support.raw import Attempt, Line, answer, make_task

from pipeline.api import providers
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
