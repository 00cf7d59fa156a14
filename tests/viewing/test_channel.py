"""The stream of a job's events: kept for a while, and bounded."""

import json

from pipeline.viewing import channel as module
from pipeline.viewing.channel import Channel
from pipeline.viewing.source import addresses
from pipeline.viewing.standing import eta


async def first(channel: Channel, after: str) -> str:
    async for event in channel.follow(after):
        return event.decode()
    raise AssertionError("nothing came")


async def test_a_page_gets_what_it_has_missed_and_loads_again_what_is_not_kept() -> None:
    channel = Channel()
    begin = channel.at
    channel.tell("said", ["a\n\nevent: forged\n"])
    text = await first(channel, begin)
    assert [line.partition(":")[0] for line in text.splitlines()] == ["id", "event", "data", ""]
    assert json.loads(text.splitlines()[2].removeprefix("data: ")) == ["a\n\nevent: forged\n"]
    for number in range(module._MOST):
        channel.tell("state", number)
    assert "event: reload" in await first(channel, begin)
    assert len(channel._kept) == module._MOST


async def test_a_page_that_does_not_read_costs_no_memory() -> None:
    channel = Channel()
    slow = channel.follow(None)
    channel.tell("state", 0)
    # It asks for the first event only now, after as many as are never kept.
    events = aiter(slow)
    for _ in range(40):
        channel.tell("entries", ["x" * 1_000_000])
    assert channel._bytes <= module._LARGEST
    channel.tell("state", 1)
    channel.close()
    assert [event async for event in events] == []


def test_an_end_is_foreseen_by_the_pace_of_results() -> None:
    assert eta([0.0, 1.0, 2.0, 3.0, 4.0], 10, 5.0) == 10
    assert eta([0.0, 1.0, 2.0, 3.0], 10, 5.0) is None
    assert eta([0.0] * 5, 10, 0.0) is None


def test_every_job_has_an_address_of_its_own() -> None:
    names = ["Nacht", "nacht", "data", "../..", "", "日本", "x" * 200, "x" * 200]
    found = addresses(names)
    assert len(set(found)) == len(names)
    assert not {"data", ""} & set(found)
    assert all(word.replace("-", "").isalnum() for word in found)
