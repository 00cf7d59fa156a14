"""Posters and small films, made by a child of clips that may be hostile."""

import io
import os
import struct
from pathlib import Path

import av
import pytest
from PIL import Image, ImageStat

from pipeline.facts.asking import NoAnswerError, SlowError
from pipeline.facts.drawing import Posters, Previews
from tests.facts.conftest import film
from tests.facts.test_looking import scene

BLACK = [Image.new("RGB", (160, 90))]


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    image = Image.open(io.BytesIO(data))
    assert image.format == "WEBP"
    return image.convert("RGB")


def brightness(image: Image.Image) -> float:
    return float(ImageStat.Stat(image.convert("L")).mean[0])


def grey(levels: range) -> list[Image.Image]:
    """Frames that get brighter, with an edge in each so that none is flat."""
    frames = []
    for level in levels:
        frame = Image.new("RGB", (320, 180), (level,) * 3)
        frame.paste((255 - level,) * 3, (0, 0, 40, 180))
        frames.append(frame)
    return frames


@pytest.mark.parametrize("name", ["plain.mp4", "parts.mp4", "old.mov", "web.webm", "silent.mkv"])
def test_a_film_has_a_still_and_a_strip_of_nine(clips: Path, name: str) -> None:
    with Posters() as posters:
        still, strip = posters.make(clips / name)
    assert opened(still).size == (160, 90)
    assert opened(strip).size == (9 * 240, 135)


def test_the_strip_follows_the_film_and_the_still_is_of_a_third(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", grey(range(0, 180, 2)))
    with Posters() as posters:
        still, strip = posters.make(path)
    tiles = [opened(strip).crop((240 * n + 60, 0, 240 * (n + 1), 135)) for n in range(9)]
    levels = [brightness(tile) for tile in tiles]
    assert levels == pytest.approx([20 * n for n in range(9)], abs=8)
    assert brightness(opened(still).crop((60, 0, 320, 180))) == pytest.approx(60, abs=8)


def test_the_frame_of_a_still_is_not_black(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", BLACK * 60 + scene(1, 12))
    with Posters() as posters:
        assert brightness(opened(posters.make(path).still)) > 30


def test_sides_are_as_the_page_expects(tmp_path: Path) -> None:
    tall = [frame.resize((360, 640)) for frame in scene(2, 12)]
    with Posters() as posters:
        still, strip = posters.make(film(tmp_path / "tall.mp4", tall))
    assert opened(still).size == (202, 360)
    assert opened(strip).size == (9 * 135, 240)


def test_pictures_have_a_still_only_and_sounds_and_drawings_nothing(clips: Path) -> None:
    with Posters() as posters:
        for name in ("still.png", "still.jpg", "still.webp", "still.gif", "moves.webp"):
            still, strip = posters.make(clips / name)
            assert (opened(still).size, strip) == ((161, 91), None)
        for name in ("sound.m4a", "sound.mp3", "sound.wav"):
            assert posters.make(clips / name) == (None, None)


def test_a_large_picture_is_made_smaller_and_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # on its side
    Image.new("RGB", (1600, 800), "red").save(tmp_path / "a.jpg", exif=exif)
    with Posters() as posters:
        assert opened(posters.make(tmp_path / "a.jpg").still).size == (180, 360)


def bomb(path: Path) -> Path:
    """A PNG of a few bytes that says it has 60,000 × 60,000 pixels."""
    Image.new("RGB", (1, 1)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    path.write_bytes(data)
    return path


def test_hostile_files_have_no_poster_and_cost_no_other(clips: Path, tmp_path: Path) -> None:
    good = (clips / "fast.mp4").read_bytes()
    (tmp_path / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "drawing.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "link.mp4").symlink_to(clips / "fast.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "head.mp4").write_bytes(good[:600])
    (tmp_path / "empty.mp4").write_bytes(b"")
    with av.open(tmp_path / "no-frame.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
    bomb(tmp_path / "bomb.png")
    with Posters() as posters:
        for name in ("playlist.mp4", "drawing.png", "empty.mp4"):  # they are none of the forms
            assert posters.make(tmp_path / name) == (None, None)
        for name in ("link.mp4", "pipe.mp4", "head.mp4", "no-frame.mp4", "bomb.png", "none.mp4"):
            with pytest.raises(NoAnswerError):
                posters.make(tmp_path / name)
        assert posters.make(clips / "fast.mp4").still


def test_what_came_before_a_film_breaks_off_is_shown(clips: Path, tmp_path: Path) -> None:
    path = film(tmp_path / "whole.mp4", scene(3, 60), options={"movflags": "+faststart"})
    (tmp_path / "cut.mp4").write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    (tmp_path / "wrong.png").write_bytes((clips / "fast.mp4").read_bytes())
    with Posters() as posters:
        for name in ("cut.mp4", "wrong.png"):  # what it is, its bytes say
            still, strip = posters.make(tmp_path / name)
            assert opened(still).size == (160, 90)
            assert strip


def test_a_clip_that_takes_too_long_has_no_poster(clips: Path) -> None:
    with Posters(patience=0.001) as posters, pytest.raises(SlowError):
        posters.make(clips / "fast.mp4")


def test_a_child_that_was_killed_answers_for_no_further_clip(clips: Path) -> None:
    with Posters() as posters:
        posters.kill()
        with pytest.raises(NoAnswerError):
            posters.make(clips / "fast.mp4")


def test_a_small_film_is_h264_of_480_pixels_and_no_faster(clips: Path, tmp_path: Path) -> None:
    frames = [frame.resize((1280, 720)) for frame in scene(5, 24)]
    with Previews() as previews:
        made = previews.make(film(tmp_path / "a.mp4", frames))
        sounding = previews.make(clips / "plain.mp4")
        assert previews.make(clips / "still.png") is None
        assert previews.make(clips / "sound.mp3") is None
        with pytest.raises(NoAnswerError):
            previews.make(tmp_path / "none.mp4")
    assert made is not None
    assert sounding is not None
    with av.open(io.BytesIO(made)) as small:
        (stream,) = small.streams
        assert isinstance(stream, av.VideoStream)
        assert (stream.width, stream.height) == (480, 270)
        assert stream.codec_context.name == "h264"
        assert len(list(small.decode(stream))) == 24
        assert stream.duration is not None
        assert float(stream.duration * (stream.time_base or 0)) == pytest.approx(2.0, abs=0.1)
    with av.open(io.BytesIO(sounding)) as small:
        assert {stream.type for stream in small.streams} == {"video", "audio"}
        assert sum(frame.samples for frame in small.decode(audio=0)) > 44_100
