"""What a file is, by its bytes."""

import io
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.api.extent import End, Extent, extent
from pipeline.api.media import HEAD, Media, beginning, extension_of, recognise

TINY = Path(__file__).parents[2] / "sandbox" / "tiny.mp4"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"


def box(kind: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, kind)
    return file.getvalue()


def measure(tmp_path: Path, data: bytes, media: Media | None = None) -> Extent:
    path = tmp_path / "file"
    path.write_bytes(data)
    with path.open("rb") as file:
        head = beginning(file.fileno())
        media = media or recognise(head, None) or Media(".mp4", "", boxes=True)
        told = extent(media, file.fileno(), len(data))
    # What is in memory is not read from its file again, and must be judged as that would be.
    assert (beginning(data), extent(media, data, len(data))) == (head, told)
    return told


def mp3(rate: int = 0x90) -> bytes:
    return (b"\xff\xfb" + bytes([rate, 0]) + bytes(413)) * 4


def ogg(packet: bytes, flags: int = 2) -> bytes:
    return b"OggS\0" + bytes([flags]) + bytes(20) + bytes([1, len(packet)]) + packet


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
        (mp3(), ".mp3", "audio/mpeg"),
        ((b"\xff\xf3\x90\xc4" + bytes(257)) * 3, ".mp3", "audio/mpeg"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + mp3(), ".mp3", "audio/mpeg"),
        (ogg(b"\x01vorbis\0\0\0\0\x02"), ".ogg", "audio/ogg"),
        (ogg(b"OpusHead\x01\x02"), ".opus", "audio/ogg"),
        (ogg(b"\x80theora\x03\x02"), ".ogv", "video/ogg"),
        (picture("JPEG2000"), ".jp2", "image/jp2"),
        (box(b"ftyp", b"heix\0\0\0\0mif1"), ".heic", "image/heic"),
        (box(b"ftyp", b"hevc\0\0\0\0"), ".heic", "image/heic"),
        (box(b"ftyp", b"mif1\0\0\0\0mif1heic"), ".heic", "image/heic"),
        (box(b"ftyp", b"mif1\0\0\0\0mif1avifmiaf"), ".avif", "image/avif"),
        (box(b"ftyp", b"3gp5\0\0\0\0"), ".3gp", "video/3gpp"),
        (box(b"ftyp", b"dash\0\0\0\0"), ".mp4", "video/mp4"),
        (box(b"styp", b"msdh\0\0\0\0"), ".mp4", "video/mp4"),
        ((b"G\x40\x11\x10" + b"\xff" * 184) * 4, ".ts", "video/mp2t"),
        (b"glTF\x02\0\0\0\x00\x01\0\0" + bytes(244), ".glb", "model/gltf-binary"),
        (b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(40), ".zip", "application/zip"),
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


NOISE = bytes(range(0x80, 0x100)) * 4


@pytest.mark.parametrize(
    ("header", "extension"),
    [
        ("video/x-msvideo; codecs=x", ".avi"),
        ("audio/flac", ".flac"),
        ("IMAGE/HEIC", ".heic"),
        ("model/vnd.something-new", ".bin"),
        ("video/*", ".bin"),
    ],
)
def test_binary_of_a_type_whose_bytes_are_not_known_is_believed_by_its_header(
    header: str, extension: str
) -> None:
    media = recognise(NOISE, header)
    assert media is not None
    assert media.extension == extension


@pytest.mark.parametrize(
    "header", ["application/json", "application/octet-stream", "", "text/html"]
)
def test_binary_of_no_media_type_is_no_medium(header: str) -> None:
    assert recognise(NOISE, header) is None


def test_a_package_of_a_model_has_the_name_of_its_type() -> None:
    media = recognise(b"PK\x03\x04" + bytes(40), "model/vnd.usdz+zip")
    assert media == Media(".usdz", "model/vnd.usdz+zip")


@pytest.mark.parametrize("filler", [b"free", b"skip", b"wide"])
@pytest.mark.parametrize("size", [0, 100, 3 * HEAD])
def test_an_mp4_that_begins_with_an_empty_box_is_named_by_its_brand(
    tmp_path: Path, filler: bytes, size: int
) -> None:
    path = tmp_path / "clip"
    path.write_bytes(box(filler, bytes(size)) * 2 + TINY.read_bytes())
    with path.open("rb") as file:
        head = beginning(file.fileno())
    assert recognise(head, None) == Media(".mp4", "video/mp4", boxes=True)
    assert measure(tmp_path, path.read_bytes()).end is End.SHOWN


@pytest.mark.parametrize(
    ("data", "extension"),
    [
        (b' {"error": 1}', ".json"),
        (b"\xef\xbb\xbf[]", ".json"),
        (b"<!doctype html><p>", ".html"),
        (b"<?xml version='1.0'?><Error/>", ".xml"),
        (b"upstream connect error", ".txt"),
        (b"\x8e\x91" * 50, ".bin"),
        (b"\x1f\x8b\x08" + bytes(20), ".gz"),
        (TINY.read_bytes()[:500], ".mp4"),
        (b"", ".txt"),
    ],
)
def test_what_is_no_output_is_named_by_what_it_is(data: bytes, extension: str) -> None:
    assert extension_of(data) == extension


@pytest.mark.variant
@given(st.binary(max_size=HEAD), st.none() | st.text())
def test_no_bytes_and_no_header_can_make_it_fail(head: bytes, header: str | None) -> None:
    media = recognise(head, header)
    assert media is None or media.extension.startswith(".")


FTYP = box(b"ftyp", b"isom\0\0\2\0")


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (TINY.read_bytes(), End.SHOWN),
        (TINY.read_bytes()[:-1], End.CUT),
        (TINY.read_bytes()[: TINY.stat().st_size // 2], End.CUT),
        (b"", End.CUT),
        (FTYP, End.UNKNOWN),
        (FTYP[:7], End.CUT),
        (FTYP + box(b"mdat", b"x" * 100), End.UNKNOWN),
        (FTYP + box(b"mdat", b"x" * 100) + box(b"moov", b"m"), End.SHOWN),
        (FTYP + box(b"moov", b"m") + box(b"moof", b"f") + box(b"mdat"), End.UNKNOWN),
        (FTYP + box(b"moof", b"f") + box(b"mdat") + box(b"mfra", b"i"), End.SHOWN),
        (FTYP + box(b"mdat", b"x" * 100)[:-1], End.CUT),
        (FTYP + struct.pack(">I4s", 0, b"mdat") + b"to the end", End.UNKNOWN),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 16 + 5) + b"large", End.UNKNOWN),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 16 + 6) + b"large", End.CUT),
        (FTYP + struct.pack(">I4s", 1, b"mdat"), End.CUT),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 3) + b"large", End.CUT),
        (FTYP + struct.pack(">I4s", 7, b"mdat"), End.CUT),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 2**63) + b"large", End.CUT),
    ],
)
def test_an_mp4_is_whole_when_its_boxes_are(tmp_path: Path, data: bytes, end: End) -> None:
    assert measure(tmp_path, data).end is end


@pytest.mark.parametrize(
    "behind",
    [b"\0", b"\n", bytes(4), bytes(8), bytes(100), b"<!-- made by us -->", b"TAG" + bytes(125)],
)
def test_what_is_no_box_does_no_harm_behind_a_clip(tmp_path: Path, behind: bytes) -> None:
    assert measure(tmp_path, TINY.read_bytes() + behind) == Extent(End.SHOWN, len(behind))


@pytest.mark.parametrize("kind", [b"mdat", b"moof", b"free", b"uuid"])
def test_a_box_that_is_promised_behind_a_clip_must_be_there(tmp_path: Path, kind: bytes) -> None:
    assert measure(tmp_path, TINY.read_bytes() + box(kind, bytes(50))[:-1]).end is End.CUT


@pytest.mark.parametrize("size", range(0, TINY.stat().st_size, 97))
def test_a_beginning_of_a_clip_is_never_taken_for_all_of_it(tmp_path: Path, size: int) -> None:
    assert measure(tmp_path, TINY.read_bytes()[:size]).end is not End.SHOWN


def matroska(size: bytes, payload: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67" + size + payload


WHOLE = {
    "jpeg": picture("JPEG"),
    "png": picture("PNG"),
    "gif": picture("GIF"),
    "webp": picture("WEBP"),
    "jp2": picture("JPEG2000"),
    "wav": b"RIFF\x2c\x00\x00\x00" + WAV[8:] + bytes(28),
    "webm": matroska(b"\x40\x64", bytes(100)),
    "ogg": ogg(b"\x01vorbis") + ogg(b"sound", flags=4),
    "glb": b"glTF\x02\0\0\0\x00\x01\0\0" + bytes(244),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_form_that_tells_its_end_tells_whether_it_is_there(tmp_path: Path, name: str) -> None:
    data = WHOLE[name]
    media = recognise(data[:HEAD], None)
    assert measure(tmp_path, data, media) == Extent(End.SHOWN)
    for size in range(12, len(data)):
        assert measure(tmp_path, data[:size], media).end is not End.SHOWN, size


@pytest.mark.parametrize(
    "data", [mp3(), matroska(b"\xff", bytes(90)), b"RIFF\xff\xff\xff\xff" + WAV[8:]]
)
def test_a_form_that_tells_no_end_says_so(tmp_path: Path, data: bytes) -> None:
    assert measure(tmp_path, data).end is End.UNKNOWN


@given(st.binary(max_size=400), st.sampled_from(sorted(WHOLE)))
def test_no_bytes_make_the_look_for_an_end_fail(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    media = recognise(WHOLE[name][:HEAD], None)
    assert media is not None
    folder = tmp_path_factory.mktemp("any")
    for told in (data, WHOLE[name][:16] + data):
        assert measure(folder, told, media).spare >= 0


@pytest.mark.parametrize(
    ("begin", "part"),
    [(b"", box(b"free")), (box(b"ftyp", b"isom"), box(b"skip")), (b"\xff\xd8", b"\xff\xfe\0\x02")],
    ids=["free", "skip", "jpeg"],
)
def test_a_file_of_endless_tiny_parts_is_not_counted_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: bytes, part: bytes
) -> None:
    reads, pread = 0, os.pread

    def counted(descriptor: int, size: int, at: int) -> bytes:
        nonlocal reads
        reads += 1
        return pread(descriptor, size, at)

    monkeypatch.setattr(os, "pread", counted)
    media = Media(".jpg", "image/jpeg") if begin.startswith(b"\xff") else None
    measure(tmp_path, begin + part * 250_000, media)
    assert reads < 150_000
