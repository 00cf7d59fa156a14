"""The facts of clips, also of hostile ones: what is said of them is so, or it is not known."""

import os
import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.facts import boxes
from pipeline.facts.findings import Findings
from pipeline.facts.reading import read_facts
from pipeline.facts.window import UnreadableError, Window
from pipeline.models import Facts

C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
FILM = {"width": 160, "height": 90, "content_credentials": False}
STILL = {"width": 161, "height": 91, "audio": False, "content_credentials": False}
FACTS = {
    "plain.mp4": Facts(**FILM, duration_s=2.0, codec="h264", audio=True),
    "fast.mp4": Facts(**FILM, duration_s=2.0, codec="h264", audio=False),
    "old.mov": Facts(**FILM, duration_s=2.0, codec="mpeg4", audio=True),
    "parts.mp4": Facts(**FILM, duration_s=None, codec="h264", audio=True),
    "silent.mkv": Facts(width=160, height=90, duration_s=2.0, codec="h264", audio=False),
    "still.png": Facts(**STILL, codec="png"),
    "still.jpg": Facts(**STILL, codec="jpeg"),
    "still.webp": Facts(**STILL, codec="webp"),
    "still.avif": Facts(**STILL, codec="av1"),
    "still.gif": Facts(width=161, height=91, audio=False, codec="gif"),
    "moves.webp": Facts(**STILL, codec="webp", duration_s=1.0),
    "sound.wav": Facts(duration_s=2.0, codec="pcm", audio=True, content_credentials=False),
}
# What encoders round is compared to a tenth of a second.
SOUND = {
    "web.webm": "vp8",
    "sound.m4a": "aac",
    "sound.opus": "opus",
    "sound.flac": "flac",
    "sound.mp3": "mp3",
}


def box(kind: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack(">I", len(body) + 8 if length is None else length) + kind + body


def facts(path: Path) -> Facts:
    found = read_facts(path)
    assert found is not None
    return found


def changed(source: Path, target: Path, old: bytes, new: bytes) -> Path:
    data = source.read_bytes()
    assert old in data
    target.write_bytes(data.replace(old, new, 1))
    return target


@pytest.mark.parametrize("name", FACTS)
def test_the_facts_of_a_clip_are_read_from_its_headers(clips: Path, name: str) -> None:
    assert read_facts(clips / name) == FACTS[name]


@pytest.mark.parametrize("name", SOUND)
def test_sound_has_a_duration_and_a_codec(clips: Path, name: str) -> None:
    found = facts(clips / name)
    assert (found.codec, found.audio) == (SOUND[name], True)
    assert found.duration_s == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("name", [*FACTS, *SOUND])
def test_of_a_clip_that_is_cut_anywhere_nothing_wrong_is_said(
    clips: Path, tmp_path: Path, name: str
) -> None:
    path, whole = tmp_path / name, msgspec.structs.asdict(facts(clips / name))
    data = (clips / name).read_bytes()
    path.write_bytes(data)
    # A sound file goes on to its end, wherever that is.
    lasting = name.startswith("sound.") and name not in {"sound.m4a", "sound.flac"}
    step = 1 if name in {"fast.mp4", "web.webm", "moves.webp"} else 1 + len(data) // 200
    for size in range(len(data) - 1, -1, -step):
        os.truncate(path, size)
        for key, value in msgspec.structs.asdict(read_facts(path) or Facts()).items():
            if not (lasting and key == "duration_s"):
                assert value in {None, whole[key]}, (size, key)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from([*FACTS, *SOUND]),
    changes=st.lists(
        st.tuples(st.integers(0, 5_000), st.binary(min_size=1, max_size=8)), max_size=6
    ),
)
def test_bytes_that_changed_raise_nothing(
    clips: Path, tmp_path: Path, name: str, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray((clips / name).read_bytes())
    for place, new in changes:
        at = place % len(data)
        data[at : at + len(new)] = new
    (tmp_path / "changed").write_bytes(data)
    found = read_facts(tmp_path / "changed") or Facts()
    assert found.width is None or found.width > 0
    assert found.duration_s is None or 0 < found.duration_s < 1e8


def test_the_index_may_come_last_and_a_box_may_be_of_64_bits(clips: Path, tmp_path: Path) -> None:
    large = struct.pack(">I", 1) + b"free" + struct.pack(">Q", 16 + 8 * 1024**2)
    data = (clips / "fast.mp4").read_bytes()
    path = tmp_path / "large.mp4"
    start = struct.unpack(">I", data[:4])[0]
    with path.open("wb") as file:
        file.write(data[:start] + large)
        file.seek(8 * 1024**2, os.SEEK_CUR)
        file.write(data[start:])
    assert read_facts(path) == FACTS["fast.mp4"]


def test_a_movie_that_claims_to_be_longer_than_its_file_is_read(
    clips: Path, tmp_path: Path
) -> None:
    data = (clips / "plain.mp4").read_bytes()
    at = data.rindex(b"moov") - 4
    path = tmp_path / "lies.mp4"
    path.write_bytes(data[:at] + b"\x7f\xff\xff\xff" + data[at + 4 :])
    found = facts(path)
    assert (found.width, found.duration_s, found.codec) == (160, 2.0, "h264")
    assert found.content_credentials is None  # what would follow is not there


@pytest.mark.parametrize("times", [(0, 2000), (1000, 2**32 - 1), (1000, 0)])
def test_a_movie_without_a_duration_lasts_as_long_as_its_tracks(
    clips: Path, tmp_path: Path, times: tuple[int, int]
) -> None:
    old = struct.pack(">II", 1000, 2000)
    path = changed(clips / "fast.mp4", tmp_path / "odd.mp4", old, struct.pack(">II", *times))
    assert facts(path).duration_s == 2.0


def test_no_duration_is_read_where_none_can_be_true(clips: Path, tmp_path: Path) -> None:
    data = (clips / "web.webm").read_bytes()
    at = data.index(b"\x44\x89\x88") + 3
    for number in (-5.0, float("nan"), float("inf"), 1e300):
        path = tmp_path / "odd.webm"
        path.write_bytes(data[:at] + struct.pack(">d", number) + data[at + 8 :])
        found = facts(path)
        assert (found.duration_s, found.width) == (None, 160)


def test_a_film_that_is_shown_on_its_side_has_its_sides_so(clips: Path, tmp_path: Path) -> None:
    upright = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    turned = struct.pack(">9I", 0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000)
    data = (clips / "fast.mp4").read_bytes()
    at = data.index(upright, data.index(b"tkhd"))
    path = tmp_path / "turned.mp4"
    path.write_bytes(data[:at] + turned + data[at + 36 :])
    assert (facts(path).width, facts(path).height) == (90, 160)


def test_more_boxes_than_any_film_has_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "many.mp4"
    path.write_bytes(box(b"ftyp", b"isom\0\0\0\0") + box(b"free") * 100_000)
    assert read_facts(path) is None
    with path.open("rb") as file, pytest.raises(UnreadableError):
        boxes.read(Window(file.fileno()), Findings())


def test_boxes_in_boxes_are_not_followed_down(tmp_path: Path) -> None:
    data = b""
    for _ in range(20_000):
        data = box(b"moov", data[:0], length=8 * 20_000) + data
    path = tmp_path / "deep.mp4"
    path.write_bytes(box(b"ftyp", b"isom\0\0\0\0") + data)
    found = read_facts(path) or Facts()
    assert found.width is None


def test_content_credentials_are_found_where_each_form_has_them(
    clips: Path, tmp_path: Path
) -> None:
    data = {name: (clips / name).read_bytes() for name in FACTS}
    riff = b"C2PA" + struct.pack("<I", 4) + b"jumb"
    segment = b"JP\0\1jumbc2pa".ljust(38, b"\0")

    def with_chunk(body: bytes) -> bytes:
        return body[:4] + struct.pack("<I", len(body) - 8 + len(riff)) + body[8:] + riff

    made = {
        "film.mp4": data["fast.mp4"] + box(b"uuid", C2PA + bytes(20)),
        "still.png": data["still.png"][:33] + box(b"", b"caBX")[:3] + b"\4caBXjumb" + bytes(4)
        + data["still.png"][33:],
        "still.jpg": b"\xff\xd8\xff\xeb" + struct.pack(">H", 40) + segment
        + data["still.jpg"][2:],
        "still.webp": with_chunk(data["still.webp"]),
        "sound.wav": with_chunk(data["sound.wav"]),
    }  # fmt: skip
    for name, body in made.items():
        (tmp_path / name).write_bytes(body)
        assert facts(tmp_path / name).content_credentials is True, name


def test_what_is_no_regular_file_is_not_read(clips: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to(clips / "fast.mp4")
    (tmp_path / "text.mp4").write_text("BMW prompts are not allowed")
    for name in ("pipe.mp4", "link.mp4", "text.mp4", "nothing.mp4", ""):
        assert read_facts(tmp_path / name) is None
