"""Removing a key from texts, however it is spelled there. Pure, but for `mask`.

A server can echo what it was sent: as it was, escaped, in hexadecimal or in base64, cut short or
turned round. So it is not the key that is looked for, but each run of its letters that is long
enough to tell something of it.
"""

import base64
import html
import json
import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

MARK = "[key]"

# So many letters of a key in a row are its.
_RUN = 12
# A shorter key is a word that texts may hold by themselves.
_SHORT = 8
# So many letters at the end of a text are taken for the begin of the key.
_AT_END = 6
# Escapes within escapes: JSON in JSON, a URL in a URL.
_LAYERS = 3
# Bytes of a file that may be a message; in a longer one only the whole key is looked for.
_MESSAGE = 256 * 1024
_WINDOW = 4 * 1024 * 1024

# What a text may have in the place of a letter; and blanks, which may be anywhere in a long word.
# Each part is bounded: a server must not make it look at a place many times.
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
    """A text with what is escaped undone, and the way back to where each letter stood."""

    def __init__(self, text: str) -> None:
        self.text = text
        # Of each layer: where its pieces begin here, and began before. Every second is an escape.
        self._layers: list[tuple[list[int], list[int]]] = []

    def unescape(self) -> bool:
        """Undo one layer of escapes; whether there was any."""
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
        return at > 0

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Find from where to where in the text letters of this view stood."""
        for begins, origins in reversed(self._layers):
            piece = bisect_right(begins, start) - 1
            start = origins[piece] + start - begins[piece]
            piece = bisect_left(begins, end) - 1
            escaped = piece % 2 == 1
            end = origins[piece + 1] if escaped else origins[piece] + end - begins[piece]
        return start, end


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A text of which each run of `run` letters tells something of the key."""

    text: str
    run: int
    exact: bool = False  # upper and lower case differ


class Redactor:
    """Finds one key in texts."""

    def __init__(self, key: str) -> None:
        self._forms = _forms(key)
        words = "|".join(map(re.escape, self._forms))
        self._word = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)
        self._spellings = _spellings(key) if len(key) >= _SHORT else []
        # A run holds a piece of half its length at one of the places that are looked at.
        self._step = (min((s.run for s in self._spellings), default=1) + 1) // 2
        self._pieces: dict[str, list[tuple[_Spelling, int]]] = {}
        for spelling in self._spellings:
            for at in range(len(spelling.text) - self._step + 1):
                piece = spelling.text[at : at + self._step]
                self._pieces.setdefault(piece, []).append((spelling, at))

    def clean(self, text: str) -> str:
        """Put a mark in the place of the key, and of each spelling of it."""
        told, at = "", 0
        for start, end in self._spans(text):
            told, at = told + text[at:start] + MARK, end
        return told + text[at:]

    def mask(self, path: Path) -> None:
        """Write over the key in a file, which keeps its size. Blocks."""
        longest = max(map(len, self._forms))
        with path.open("r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            for at in range(0, size, _WINDOW):
                data = os.pread(file.fileno(), _WINDOW + longest, at)
                small = size <= _MESSAGE
                spans = self._spans(data.decode("latin-1")) if small else self._plain(data)
                for start, end in spans:
                    os.pwrite(file.fileno(), b"*" * (end - start), at + start)

    def _plain(self, data: bytes) -> Iterator[tuple[int, int]]:
        for form in map(str.encode, self._forms):
            at = data.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = data.find(form, at + len(form))

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Find where the key stands, in order and apart."""
        if not self._spellings:
            return [found.span() for found in self._word.finditer(text)]
        view, spans = _View(text), list[tuple[int, int]]()
        for _ in range(_LAYERS):
            spans += (view.span(*found) for found in self._found(view.text))
            if not view.unescape():
                break
        merged: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        lower = text.replace("\u0130", "I").lower()  # the one letter that would grow
        exact = text.translate(_URL_SAFE)
        for told in (lower, exact):
            is_exact, at = told is exact, 0
            while at + self._step <= len(told):
                run = self._run_at(told, at, exact=is_exact)
                yield from (run,) if run else ()
                at = run[1] if run else at + self._step
            for spelling in self._spellings:
                size = _ending(told, spelling) if spelling.exact is is_exact else 0
                yield from ((len(told) - size, len(told)),) if size else ()

    def _run_at(self, text: str, at: int, *, exact: bool) -> tuple[int, int] | None:
        """Find a run of the key that covers the place `at`."""
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
    """Make what removes a key, once."""
    return Redactor(key)


def _ending(text: str, spelling: _Spelling) -> int:
    """Count the letters at the end of a text that begin a spelling, where that was cut."""
    sizes = range(min(spelling.run, len(text)), _AT_END - 1, -1)
    return next((size for size in sizes if text.endswith(spelling.text[:size])), 0)


def _spellings(key: str) -> list[_Spelling]:
    run = min(_RUN, len(key) - 1)
    told = [
        _Spelling(key.lower(), run),
        _Spelling(key.lower()[::-1], run),
        _Spelling(key.encode().hex(), 2 * run),
    ]
    return told + [_Spelling(text, run * 4 // 3 - 2, exact=True) for text in _base64(key)]


def _base64(key: str) -> Iterator[str]:
    """Encode a key behind 0, 1 or 2 other bytes, without what depends on its neighbours."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + key.encode()).decode()
        shared = before + (before > 0)
        yield text[shared:].rstrip("=")[: -1 if text.endswith("=") else None]


def _forms(key: str) -> list[str]:
    """Spell the whole key in each usual way, longest first."""
    forms = {key, quote(key, safe=""), html.escape(key), json.dumps(key)[1:-1]}
    if len(key) >= _SHORT:
        digits = key.encode().hex()
        forms |= {digits, digits.upper(), *_base64(key)}
    return sorted(forms, key=len, reverse=True)
