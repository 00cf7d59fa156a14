"""A key is removed in any spelling, and other texts stay as they are."""

import base64
import html
import json
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.redaction import MARK, Redactor, clean

KEY = "SG_4f1c9a77e2b84d6e/x+Q=z"
SPELLINGS = {
    "as it is": KEY,
    "lower case": KEY.lower(),
    "upper case": KEY.upper(),
    "reversed": KEY[::-1],
    "hexadecimal": KEY.encode().hex(),
    "upper hexadecimal": KEY.encode().hex().upper(),
    "hexadecimal in pairs": KEY.encode().hex(" "),
    "JSON": json.dumps(KEY)[1:-1],
    "JSON in JSON": json.dumps(json.dumps(KEY))[3:-3],
    "slashes escaped": KEY.replace("/", "\\/"),
    "HTML": html.escape(KEY),
    "HTML numbers": "".join(f"&#{ord(c)};" for c in KEY),
    "HTML hexadecimal": "".join(f"&#x{ord(c):x};" for c in KEY),
    "a URL": quote(KEY, safe=""),
    "a URL in a URL": quote(quote(KEY, safe=""), safe=""),
    "all of a URL": "".join(f"%{ord(c):02X}" for c in KEY),
    "\\x": "".join(f"\\x{ord(c):02x}" for c in KEY),
    "\\u": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "broken into lines": "\n".join((KEY[:9], KEY[9:])),
    "line ends in JSON": "\\n".join((KEY[:9], KEY[9:])),
    "without its first letter": KEY[1:],
    "without its last letter": KEY[:-1],
    "without a letter in the middle": KEY[:12] + KEY[13:],
    "its first twelve": KEY[:12],
    "its last twelve": KEY[-12:],
}
SPELLINGS |= {
    f"base64 behind {n}": base64.b64encode(b"." * n + KEY.encode() + b".." * n).decode()
    for n in range(7)
}
SPELLINGS |= {
    f"base64 of a URL behind {n}": base64.urlsafe_b64encode(b">" * n + KEY.encode() + b"?").decode()
    for n in range(3)
}
SPELLINGS["base64 in lines"] = base64.encodebytes(
    b"x-api-key: " + KEY.encode() + b"." * 80
).decode()
SPELLINGS["base64 in a URL"] = quote(base64.b64encode(b">>" + KEY.encode()).decode(), safe="")


def assert_reveals_nothing(cleaned: str) -> None:
    """No run of the key is left in any spelling that can be decoded."""
    squeezed = "".join(cleaned.split())
    for text in (squeezed, squeezed[::-1]):
        assert not any(KEY[at : at + 10].lower() in text.lower() for at in range(len(KEY) - 9))
    usual = squeezed.replace(MARK, " ").replace("-", "+").replace("_", "/")
    for word in re.split(r"[^A-Za-z0-9+/]+", usual):
        for start in range(4):
            whole = word[start : start + (len(word) - start) // 4 * 4]
            raw = base64.b64decode(whole)
            assert not any(KEY[at : at + 10].encode() in raw for at in range(len(KEY) - 9))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_key_is_removed_in_every_spelling(spelling: str) -> None:
    text = f'{{"error": "bad <{SPELLINGS[spelling]}>", "hint": "none"}}'
    cleaned = Redactor(KEY).clean(text)
    assert MARK in cleaned
    assert cleaned.startswith('{"error": "bad <')
    assert cleaned.endswith('>", "hint": "none"}')
    assert_reveals_nothing(cleaned)


@pytest.mark.parametrize("size", range(6, len(KEY)))
def test_a_key_is_removed_where_the_text_ends_within_it(size: int) -> None:
    assert Redactor(KEY).clean(f"the key is {KEY[:size]}") == f"the key is {MARK}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no more credits",
        '{"error": "Ünïcode \\u00e9 %41 &amp; \\\\ \\n"}',
        "/home/me/renders/out.mp4: No space left on device",
        "İstanbul " * 40,
        KEY[:8] + " is not enough to tell",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert Redactor(KEY).clean(text) == text


def test_of_two_keys_that_are_alike_in_part_nothing_is_left() -> None:
    keys = ["sk-one-0123456789abcdef", "sk-two-0123456789abcdef", "0123456789abcdef-x"]
    for order in (keys, keys[::-1]):
        cleaned = clean(" ".join(keys), order)
        assert "one" not in cleaned
        assert "two" not in cleaned
        assert "-x" not in cleaned


def test_the_text_around_a_key_stays() -> None:
    assert Redactor(KEY).clean(f"a\n {KEY} \n{KEY}\tz") == f"a\n {MARK} \n{MARK}\tz"


@pytest.mark.parametrize("key", ["k", "test", "abcdefg"])
def test_a_short_key_is_removed_only_as_a_whole_word(key: str) -> None:
    redactor = Redactor(key)
    assert redactor.clean(f"bad key {key}.") == f"bad key {MARK}."
    path = f"/data/{key}ing/x{key}/{key}{key}.yaml"
    assert redactor.clean(path) == path


@pytest.mark.parametrize("key", ["abcdefgh", "abcdefghijkl"])
def test_a_part_of_a_short_key_is_removed_too(key: str) -> None:
    redactor = Redactor(key)
    for part in (key, key[1:], key[:-1], key.upper(), key[::-1]):
        assert redactor.clean(f"<{part}>") == f"<{MARK}>"
    assert redactor.clean(f"<{key[:4]}>") == f"<{key[:4]}>"


@pytest.mark.parametrize(
    "piece",
    ["\\", "%", "%41", "%25", "&#65;", "&", " ", "\\n", "a", KEY[:11], KEY[:6], KEY, "\\u00", "=",
     base64.b64encode(KEY.encode()).decode()],
)  # fmt: skip
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    redactor = Redactor(KEY)

    def seconds(size: int) -> float:
        text = (piece * size)[:size]
        began = time.process_time()
        redactor.clean(text)
        return time.process_time() - began

    # Whatever else the machine does, the least of some is near what it takes.
    short, long = (min(seconds(size) for _ in range(3)) for size in (8_192, 131_072))
    # 16 times the text, about 16 times the time; quadratic would be 256.
    assert long < 64 * short + 0.05


@given(st.text(), st.text(), st.sampled_from(sorted(SPELLINGS)))
def test_a_key_is_removed_from_any_text(before: str, after: str, spelling: str) -> None:
    cleaned = Redactor(KEY).clean(f"{before} <{KEY}> {SPELLINGS[spelling]} {after}")
    assert KEY.lower() not in cleaned.lower()


@given(st.text(min_size=8, alphabet=st.characters(min_codepoint=33, max_codepoint=126)), st.text())
def test_any_key_is_removed_from_any_text_without_an_error(key: str, text: str) -> None:
    cleaned = Redactor(key).clean(f"{text}\n<{key}>")
    assert key not in cleaned.replace(MARK, "") or key in text


def test_a_key_in_a_file_is_overwritten_and_the_size_stays(tmp_path: Path) -> None:
    path = tmp_path / "body"
    for filler in (10, 300_000, 9_000_000):
        body = b"\x00\xff" * filler + KEY.encode() + b"-" * filler + KEY.encode().hex().encode()
        path.write_bytes(body)
        Redactor(KEY).mask(path)
        kept = path.read_bytes()
        assert len(kept) == len(body)
        assert KEY.encode() not in kept
        assert KEY.encode().hex().encode() not in kept
        assert kept.startswith(b"\x00\xff" * filler + b"*")


def test_a_key_across_two_pieces_of_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"-" * (4 * 1024 * 1024 - 5) + KEY.encode() + b"-" * 600_000)
    Redactor(KEY).mask(path)
    assert KEY.encode() not in path.read_bytes()
