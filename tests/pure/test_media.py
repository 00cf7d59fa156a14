"""What a file is, by its bytes."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.media import HEAD, boxes_are_whole, recognise

TINY = Path(__file__).parents[2] / "pipeline" / "sandbox" / "tiny.mp4"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"


def box(kind: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, kind)
    return file.getvalue()


def whole(tmp_path: Path, data: bytes) -> bool:
    path = tmp_path / "clip"
    path.write_bytes(data)
    with path.open("rb") as file:
        return boxes_are_whole(file.fileno(), len(data))


@pytest.mark.parametrize(
    ("data", "extension", "kind"),
    [
        (TINY.read_bytes(), ".mp4", "video/mp4"),
        (box(b"ftyp", b"isom\0\0\2\0isomiso2"), ".mp4", "video/mp4"),
        (box(b"ftyp", b"qt  \0\0\2\0qt  "), ".mov", "video/quicktime"),
        (box(b"ftyp", b"M4A \0\0\2\0"), ".m4a", "audio/mp4"),
        (box(b"ftyp", b"avif\0\0\0\0"), ".avif", "image/avif"),
        (box(b"ftyp", b"heic\0\0\0\0"), ".heic", "image/heic"),
        (box(b"moov", b"\0" * 8), ".mov", "video/quicktime"),
        (picture("JPEG"), ".jpg", "image/jpeg"),
        (picture("PNG"), ".png", "image/png"),
        (picture("GIF"), ".gif", "image/gif"),
        (picture("WEBP"), ".webp", "image/webp"),
        (WAV, ".wav", "audio/wav"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01webm", ".webm", "video/webm"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><text>\xc3\xa9</text></svg>", ".svg", None),
    ],
)
@pytest.mark.parametrize("header", [None, "application/octet-stream", "image/jpeg", "text/html"])
def test_bytes_name_the_medium_whatever_the_header_says(
    data: bytes, extension: str, kind: str | None, header: str | None
) -> None:
    media = recognise(data[:HEAD], header)
    assert media is not None
    assert media.extension == extension
    assert kind is None or media.content_type.replace("wave", "wav") == kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"error": "Generation failed upstream."}',
        b"[]",
        b"null",
        b"<!DOCTYPE html>\n<html></html>",
        b"<html><body>502</body></html>",
        b"<?xml version='1.0'?><Error/>",
        b"upstream connect error or disconnect/reset before headers",
        b"Traceback (most recent call last):",
        # Words that begin as some medium does.
        b"BMW prompts are not allowed",
        b"P3 is not supported",
        b"P6 \xc3\xa9chec",
        b"ID3 tags are missing",
        b"RIFF error",
        b"OggS?",
        b"You free plan has ended",
        b"Not skipped",
        "\ufeffBM: Fehler".encode(),
        ("GIF89a " + "é" * HEAD).encode()[:HEAD],
    ],
)
@pytest.mark.parametrize("header", [None, "video/mp4", "image/jpeg", "video/x-unknown"])
def test_text_is_no_medium_however_it_begins_and_whatever_the_header_says(
    body: bytes, header: str | None
) -> None:
    assert recognise(body, header) is None


def test_binary_noise_under_a_known_header_is_no_medium() -> None:
    assert recognise(bytes(range(0x80, 0x100)) * 4, "video/mp4") is None


def test_binary_of_a_type_whose_bytes_are_not_known_is_believed_by_its_header() -> None:
    media = recognise(bytes(range(0x80, 0x100)) * 4, "video/x-msvideo; codecs=x")
    assert media is not None
    assert media.extension == ".avi"


@given(st.binary(max_size=HEAD), st.none() | st.text())
def test_no_bytes_and_no_header_can_make_it_fail(head: bytes, header: str | None) -> None:
    media = recognise(head, header)
    assert media is None or media.extension.startswith(".")


FTYP = box(b"ftyp", b"isom\0\0\2\0")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (TINY.read_bytes(), True),
        (TINY.read_bytes()[:-1], False),
        (TINY.read_bytes()[: TINY.stat().st_size // 2], False),
        (TINY.read_bytes() + b"\0", False),
        (b"", False),
        (FTYP, True),
        (FTYP[:7], False),
        (FTYP + box(b"mdat", b"x" * 100), True),
        (FTYP + box(b"mdat", b"x" * 100)[:-1], False),
        (FTYP + struct.pack(">I4s", 0, b"mdat") + b"to the end", True),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 16 + 5) + b"large", True),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 16 + 6) + b"large", False),
        (FTYP + struct.pack(">I4s", 1, b"mdat"), False),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 3) + b"large", False),
        (FTYP + struct.pack(">I4s", 7, b"mdat"), False),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 2**63) + b"large", False),
    ],
)
def test_an_mp4_is_whole_when_its_boxes_fill_it(
    tmp_path: Path, data: bytes, expected: bool
) -> None:
    assert whole(tmp_path, data) is expected


@pytest.mark.parametrize("size", range(0, TINY.stat().st_size, 97))
def test_a_beginning_of_a_clip_counts_as_whole_only_where_a_box_ends(
    tmp_path: Path, size: int
) -> None:
    data = TINY.read_bytes()[:size]
    ends = {0}
    at = 0
    while at < TINY.stat().st_size:
        at += int.from_bytes(TINY.read_bytes()[at : at + 4])
        ends.add(at)
    assert whole(tmp_path, data) is (size in ends and size > 0)
