"""An output within JSON is found and decoded piece by piece, however long it is."""

import base64
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from pipeline.api.described.description import Media
from pipeline.api.described.expressions import expression
from pipeline.api.described.unwrapping import Unwrapped, unwrap
from pipeline.api.described.words import Form

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + os.urandom(700_001) + b"\0\0\0\0IEND\xae\x42\x60\x82"
TOLD = Media(expression("data[0].blob"), Form.BASE64)
TEXT = base64.b64encode(PNG).decode()


def taken(folder: Path, answer: bytes, most: int = 10**9) -> tuple[Unwrapped, Path]:
    part = folder / "part"
    part.write_bytes(answer)
    return unwrap(part, TOLD, {}, most), part


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("="),
        TEXT.replace("+", "-").replace("/", "_"),
        TEXT.replace("/", "\\/"),
        "\\n".join(TEXT[at : at + 76] for at in range(0, len(TEXT), 76)),
        TEXT.replace("/", "\\u002F").replace("+", "\\u002b").replace("=", "\\u003d"),
        f"data:image/png;base64,{TEXT}",
    ],
    ids=["plain", "unpadded", "of URLs", "escaped", "in lines", "escaped all", "data URI"],
)
def test_base64_of_every_kind_is_decoded(tmp_path: Path, text: str) -> None:
    found, part = taken(tmp_path, f'{{"data": [{{"blob": "{text}"}}], "n": 7}}'.encode())
    assert found.body is not None, found.detail
    assert (found.body.size, found.body.extension) == (len(PNG), ".png")
    assert part.read_bytes() == PNG
    assert found.answer["n"] == 7
    assert [one.name for one in tmp_path.iterdir()] == ["part"]


@pytest.mark.parametrize("between", ["", "\n", " "])
def test_a_short_one_is_decoded_too(tmp_path: Path, between: str) -> None:
    gif = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01D\0;"
    text = base64.b64encode(gif).decode()
    blob = between.join((text[:20], text[20:]))
    found, _ = taken(tmp_path, json.dumps({"data": [{"blob": blob}]}).encode())
    assert found.body is not None
    assert found.body.content_type == "image/gif"


@pytest.mark.parametrize("text", [TEXT[:-40], TEXT[: len(TEXT) // 2 * 2 - 100] + "*" + "A" * 99])
def test_what_is_cut_or_no_base64_stays_as_it_came(tmp_path: Path, text: str) -> None:
    answer = f'{{"data": [{{"blob": "{text}"}}]}}'.encode()
    found, part = taken(tmp_path, answer)
    assert found.body is None
    assert part.read_bytes() == answer
    assert [one.name for one in tmp_path.iterdir()] == ["part"]


def test_one_that_is_too_large_is_not_decoded_to_its_end(tmp_path: Path) -> None:
    found, _ = taken(tmp_path, f'{{"data": [{{"blob": "{TEXT}"}}]}}'.encode(), most=300_000)
    assert found.is_large


def test_it_needs_little_memory(tmp_path: Path) -> None:
    answer = f'{{"data": [{{"blob": "{"QUFB" * 2_500_000}"}}]}}'.encode()
    (tmp_path / "part").write_bytes(answer)
    del answer
    tracemalloc.start()
    unwrap(tmp_path / "part", TOLD, {}, 10**9)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000


@pytest.mark.parametrize(
    "answer",
    [b"", b"[", b"\0" * 5_000_000, b'["' + b"A" * 5_000_000, b'"' * 3_000_000, b'{"data": 7}'],
)
def test_no_answer_is_too_strange(tmp_path: Path, answer: bytes) -> None:
    found, part = taken(tmp_path, answer)
    assert (found.body, found.media) == (None, None)
    assert part.read_bytes() == answer
