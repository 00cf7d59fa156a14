"""What is flagged, and what is near enough."""

from typing import Any

import pytest

from pipeline.facts.expected import flags
from pipeline.models import Expect, Facts, Presence

FILM = Facts(width=1280, height=720, duration_s=5.04, codec="h264", audio=False)


def keys(media: Facts, params: dict[str, Any] | None = None, **expect: Any) -> list[str]:
    return [flag.key for flag in flags(media, Expect(**expect), params or {})]


@pytest.mark.parametrize(
    ("ratio", "sides"),
    [
        ("16:9", (1280, 720)), ("16:9", (854, 480)), ("16:9", (848, 480)), ("9:16", (544, 960)),
        ("21:9", (1536, 656)), ("9:21", (464, 1080)), ("1:1", (1024, 1024)), ("4:3", (160, 120)),
        ("1.85:1", (1998, 1080)), ("16:9", (1920, 1088)),
    ],
)  # fmt: skip
def test_a_shape_that_an_encoder_has_rounded_is_as_expected(
    ratio: str, sides: tuple[int, int]
) -> None:
    media = Facts(width=sides[0], height=sides[1])
    assert keys(media, {"aspect_ratio": ratio}, aspect_ratio=True) == []


@pytest.mark.parametrize(
    ("ratio", "sides"),
    [
        ("16:9", (720, 1280)),
        ("4:5", (768, 1024)),
        ("1:1", (64, 36)),
        ("21:9", (1280, 720)),
        ("16:9", (1280, 800)),
    ],
)
def test_another_shape_is_flagged(ratio: str, sides: tuple[int, int]) -> None:
    media = Facts(width=sides[0], height=sides[1])
    (flag,) = flags(media, Expect(aspect_ratio=True), {"aspect_ratio": ratio})
    assert str(flag) == f"aspect ratio {sides[0]}×{sides[1]}, expected {ratio}"
    assert keys(media, aspect_ratio=ratio) == ["aspect_ratio"]


@pytest.mark.parametrize("asked", [{}, {"aspect_ratio": "auto"}, {"aspect_ratio": "0:0"}])
def test_a_task_that_asks_for_no_shape_has_none_flagged(asked: dict[str, Any]) -> None:
    assert keys(FILM, asked, aspect_ratio=True) == []


def test_bounds_are_held_to() -> None:
    assert keys(FILM, min_duration=5, max_duration=5, min_width=1280, max_height=720) == []
    assert keys(FILM, min_duration=6, min_width=1920) == ["min_duration", "min_width"]
    assert keys(FILM, max_duration=4.0, max_height=700) == ["max_duration", "max_height"]
    assert keys(FILM, audio=Presence.YES) == ["audio"]
    assert keys(FILM, audio=Presence.NO) == keys(FILM, audio=Presence.ANY) == []


def test_what_is_not_known_is_not_flagged() -> None:
    every = Expect(True, 4, 9, 1, 9, 1, 9, Presence.YES, Presence.YES)
    assert flags(Facts(), every, {"aspect_ratio": "16:9"}) == ()
