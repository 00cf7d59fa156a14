"""Remove the API key from texts, in any encoding. Pure, except for `mask`.

A server can echo what it was sent: as it was, escaped, in hexadecimal or base64, truncated or
reversed. The search is therefore not for the whole key, but for each run of its characters that is
long enough to reveal a part of it.
"""

import base64
import html
import json
import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

MARK = "[key]"

# This many consecutive characters of the key reveal a part of it.
_RUN = 12
# A shorter key may be an ordinary word of a text: only the whole word is removed.
_SHORT = 8
# This many characters at the end of a text count as the start of the key.
_AT_END = 6
# Escapes within escapes: JSON in JSON, a URL in a URL.
_LAYERS = 3
# In files of more bytes than this, the search is only for the whole key.
_MESSAGE = 256 * 1024
_WINDOW = 4 * 1024 * 1024

# What can stand for a character; and white space, which can be anywhere in a long word.
# Each part is bounded, so that no response makes the search quadratic.
_ESCAPE = re.compile(
    r"(?:%|\\{1,8}(?:u00|x|U000000)|&\#[xX]0{0,6})([0-9A-Fa-f]{2});?"
    r"|&\#0{0,6}([0-9]{2,3});?"
    r"|&(amp|lt|gt|quot|apos);"
    r"|\\{0,7}\\([^\w\s])"
    r"|(?:\s|\\[rn])+"
)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_URL_SAFE = str.maketrans("-_", "+/")


def _letter(found: "re.Match[str]") -> str:
    digits, number, name, itself = found.groups()
    if digits or number:
        return chr(int(digits, 16) if digits else int(number))
    return _NAMED[name] if name else itself or ""


class _View:
    """A text with its escapes decoded, and a map back to the original positions."""

    def __init__(self, text: str) -> None:
        self.text = text
        # For each layer, where its pieces start now and started before; every second is an escape.
        self._layers: list[tuple[list[int], list[int]]] = []

    def unescape(self) -> bool:
        """Decode one layer of escapes; return whether there was one."""
        if _ESCAPE.search(self.text) is None:
            return False
        pieces, begins, origins = list[str](), [0], [0]
        at = size = 0
        for found in _ESCAPE.finditer(self.text):
            start, end = found.span()
            letter = _letter(found)
            size += start - at
            pieces += (self.text[at:start], letter)
            begins += (size, size + len(letter))
            origins += (start, end)
            size, at = size + len(letter), end
        pieces.append(self.text[at:])
        self._layers.append((begins, origins))
        self.text = "".join(pieces)
        return True

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the original text of a span in this view."""
        for begins, origins in reversed(self._layers):
            piece = bisect_right(begins, start) - 1
            start = origins[piece] + start - begins[piece]
            piece = bisect_left(begins, end) - 1
            escaped = piece % 2 == 1
            end = origins[piece + 1] if escaped else origins[piece] + end - begins[piece]
        return start, end


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A spelling of the key, of which each run of `run` characters reveals a part of the key."""

    text: str
    run: int
    exact: bool = False  # case-sensitive


class Redactor:
    """Finds one key in texts and files."""

    def __init__(self, key: str) -> None:
        self._forms = _forms(key)
        words = "|".join(map(re.escape, self._forms))
        self._word = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
        self._spellings = _spellings(key) if len(key) >= _SHORT else []
        # Each run contains a piece of half its length at one of the positions that are compared.
        self._step = (min((s.run for s in self._spellings), default=1) + 1) // 2
        self._pieces: dict[str, list[tuple[_Spelling, int]]] = {}
        # By case-sensitivity, the starts of spellings that count at the end of a text.
        self._ends = {exact: _ends(self._spellings, exact=exact) for exact in (False, True)}
        # Less cannot hold a spelling, nor the start of one: decoding makes no text longer.
        self._least = _AT_END if self._spellings else min(map(len, self._forms))
        for spelling in self._spellings:
            for at in range(len(spelling.text) - self._step + 1):
                piece = spelling.text[at : at + self._step]
                self._pieces.setdefault(piece, []).append((spelling, at))

    def clean(self, text: str) -> str:
        """Replace the key, in each of its spellings, by a mark."""
        return _marked(text, self.spans(text))

    def mask(self, path: Path) -> None:
        """Overwrite the key in a file, without changing its size. Blocks."""
        longest = max(map(len, self._forms))
        with path.open("r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            for at in range(0, size, _WINDOW):
                data = os.pread(file.fileno(), _WINDOW + longest, at)
                small = size <= _MESSAGE
                spans = self.spans(data.decode("latin-1")) if small else self._plain(data)
                for start, end in spans:
                    os.pwrite(file.fileno(), b"*" * (end - start), at + start)

    def _plain(self, data: bytes) -> Iterator[tuple[int, int]]:
        for form in map(str.encode, self._forms):
            at = data.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = data.find(form, at + len(form))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of the key, in order and without overlap."""
        if len(text) < self._least:
            return []
        if not self._spellings:
            return [found.span() for found in self._word.finditer(text)]
        view, spans = _View(text), list[tuple[int, int]]()
        for _ in range(_LAYERS):
            spans += (view.span(*found) for found in self._found(view.text))
            if not view.unescape():
                break
        return _merged(spans)

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        lower = text.replace("\u0130", "I").lower()  # the only letter whose lower case is longer
        exact = text.translate(_URL_SAFE)
        for view in (lower, exact):
            is_exact, at = view is exact, 0
            while at + self._step <= len(view):
                run = self._run_at(view, at, exact=is_exact)
                yield from (run,) if run else ()
                at = run[1] if run else at + self._step
            if view.endswith(self._ends[is_exact]):
                for end in filter(view.endswith, self._ends[is_exact]):
                    yield len(view) - len(end), len(view)

    def _run_at(self, text: str, at: int, *, exact: bool) -> tuple[int, int] | None:
        """Return the span of a run of the key that covers position `at`, None if there is none."""
        for spelling, place in self._pieces.get(text[at : at + self._step], ()):
            if spelling.exact is not exact:
                continue
            key, back, ahead = spelling.text, 0, self._step
            while min(at, place) > back and text[at - back - 1] == key[place - back - 1]:
                back += 1
            most = min(len(text) - at, len(key) - place)
            while ahead < most and text[at + ahead] == key[place + ahead]:
                ahead += 1
            if back + ahead >= spelling.run:
                return at - back, at + ahead
        return None


@lru_cache(maxsize=8)
def redactor(key: str) -> Redactor:
    """Return the redactor of a key, from a cache."""
    return Redactor(key)


def clean(text: str, keys: Iterable[str]) -> str:
    """Replace several keys by marks.

    Not one after the other: of two that are alike in part, the mark of one would hide the other.
    """
    return _marked(text, _merged(span for key in keys for span in redactor(key).spans(text)))


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _marked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    cleaned, at = "", 0
    for start, end in spans:
        cleaned, at = cleaned + text[at:start] + MARK, end
    return cleaned + text[at:]


def _ends(spellings: list[_Spelling], *, exact: bool) -> tuple[str, ...]:
    """Return the starts of spellings that may be the end of a truncated text."""
    alike = [spelling for spelling in spellings if spelling.exact is exact]
    return tuple(one.text[:size] for one in alike for size in range(_AT_END, one.run + 1))


def _spellings(key: str) -> list[_Spelling]:
    run = min(_RUN, len(key) - 1)
    plain = [
        _Spelling(key.lower(), run),
        _Spelling(key.lower()[::-1], run),
        _Spelling(key.encode().hex(), 2 * run),
    ]
    return plain + [_Spelling(text, run * 4 // 3 - 2, exact=True) for text in _base64(key)]


def _base64(key: str) -> Iterator[str]:
    """Yield the key in base64 after 0, 1 or 2 other bytes, without what depends on those."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + key.encode()).decode()
        shared = before + (before > 0)
        yield text[shared:].rstrip("=")[: -1 if text.endswith("=") else None]


def _forms(key: str) -> list[str]:
    """Return the usual spellings of the whole key, longest first."""
    forms = {key, quote(key, safe=""), html.escape(key), json.dumps(key)[1:-1]}
    if len(key) >= _SHORT:
        digits = key.encode().hex()
        forms |= {digits, digits.upper(), *_base64(key)}
    return sorted(forms, key=len, reverse=True)
