"""What is seen in the frames, by a child that hostile clips may end."""

import os
import signal
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from pipeline.facts.asking import can_look
from pipeline.facts.looking import Looking
from pipeline.facts.stretches import Look, twins
from tests.facts.conftest import film


def scene(seed: int, count: int) -> list[Image.Image]:
    """A pattern that moves, another for each seed."""
    frames = []
    for number in range(count):
        image = Image.new("RGB", (160, 90), (40, 60, 90))
        draw = ImageDraw.Draw(image)
        for each in range(12):
            x, y = (each * 37 * seed + number * 5) % 160, (each * 53 * seed) % 90
            draw.rectangle((x, y, x + 20, y + 14), fill=(each * 20, 255 - each * 20, 128))
        frames.append(image)
    return frames


BLACK = [Image.new("RGB", (160, 90))] * 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    film(folder / "one.mp4", BLACK + scene(1, 24) + scene(1, 1) * 36)
    for name, seed in (("a.mp4", 3), ("b.mp4", 3), ("c.mp4", 7)):
        film(folder / name, scene(seed, 30))
    (folder / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n")
    broken = bytearray((folder / "a.mp4").read_bytes())
    broken[48:1500] = os.urandom(1452)
    (folder / "broken.mp4").write_bytes(broken)
    return folder


def test_black_and_frozen_stretches_and_twins_are_found(folder: Path) -> None:
    assert can_look()
    with Looking() as looking:
        one = looking.look(folder / "one.mp4")
        takes = {name: looking.look(folder / f"{name}.mp4") for name in "abc"}
    assert one.black == ((0.0, 2.0),)
    (frozen,) = one.frozen
    assert frozen == pytest.approx((4.0, 7.0), abs=0.1)
    assert all(look.fault is None and not look.black for look in takes.values())
    assert twins(takes) == {"b": "a"}


def test_a_clip_that_cannot_be_decoded_has_a_fault_and_costs_no_other(folder: Path) -> None:
    with Looking() as looking:
        assert looking.look(folder / "broken.mp4").fault
        assert looking.look(folder / "nothing.mp4").fault
        assert looking.look(folder / "list.mp4") == Look()  # a play list names files: not opened
        child = looking.pid
        assert child is not None
        os.kill(child, signal.SIGSEGV)  # as a decoder may
        assert "-11" in str(looking.look(folder / "a.mp4").fault)
        assert looking.look(folder / "a.mp4").fault is None


def test_a_clip_that_takes_too_long_is_given_up(folder: Path) -> None:
    with Looking(patience=0.001) as looking:
        assert "longer than" in str(looking.look(folder / "a.mp4").fault)


def test_no_clip_is_a_twin_of_one_that_was_not_seen() -> None:
    assert twins({"a": Look(), "b": Look(), "c": Look(hashes=("00ff",)), "d": Look()}) == {}
    looks = {
        name: Look(hashes=("00" * 8,), seconds=long) for name, long in (("a", 5.0), ("b", 9.0))
    }
    assert twins(looks) == {}
