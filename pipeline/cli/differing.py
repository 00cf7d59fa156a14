"""What differs between two texts, by words, short enough for a line or two. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.printable import printable

_TOKEN = re.compile(r"\w+|[^\w\s]|\s+")
# Words between which all differences are found; comparing takes the square of it.
_MOST_COMPARED = 200
# Characters of each side of a difference, and words around it, that are shown.
_LONGEST = 48
_BEFORE, _AFTER, _FIRST = 4, 3, 3
# Differences that are shown of one text.
_MOST_SHOWN = 6


class Piece(NamedTuple):
    """A part of two texts: what both have (`old` is `new`), or what one has in place of another."""

    old: str
    new: str

    @property
    def differs(self) -> bool:
        """Whether this is where the two texts differ."""
        return self.old != self.new

    def __str__(self) -> str:
        if not self.differs:
            return self.new
        if self.old and self.new:
            return f"[{self.old} → {self.new}]"
        text, sign = self.new or self.old, "+" if self.new else "-"
        before, after = text[:1].isspace(), text[-1:].isspace()
        return f"{' ' * before}[{sign} {text.strip()}]{' ' * after}"


def by_words(old: str, new: str) -> list[Piece]:
    """Compare two texts word by word."""
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    start = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    start = min(len(a), len(b)) if start is None else start
    most = min(len(a), len(b)) - start
    end = next((n for n in range(most) if a[-1 - n] != b[-1 - n]), most)
    middle_a, middle_b = a[start : len(a) - end], b[start : len(b) - end]
    pieces = [Piece(same := "".join(a[:start]), same)]
    if max(len(middle_a), len(middle_b)) > _MOST_COMPARED:
        pieces.append(Piece("".join(middle_a), "".join(middle_b)))
    else:
        from difflib import SequenceMatcher  # noqa: PLC0415 - only where tasks differ

        matcher = SequenceMatcher(None, middle_a, middle_b, autojunk=False)
        pieces += (
            Piece("".join(middle_a[i:j]), "".join(middle_b[k:m]))
            for _, i, j, k, m in matcher.get_opcodes()
        )
    pieces.append(Piece(same := "".join(a[len(a) - end :]), same))
    return _joined(piece for piece in pieces if piece.old or piece.new)


def _joined(pieces: Iterator[Piece]) -> list[Piece]:
    """Join differences that only a blank separates."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and joined[-1].differs == piece.differs:
            joined[-1] = Piece(joined[-1].old + piece.old, joined[-1].new + piece.new)
        elif len(joined) > 1 and piece.differs and joined[-1].new.isspace():
            blank = joined.pop().new
            joined[-1] = Piece(
                joined[-1].old + blank + piece.old, joined[-1].new + blank + piece.new
            )
        else:
            joined.append(piece)
    return joined


def shortened(pieces: list[Piece]) -> list[Piece]:
    """Keep the differences, each cut to its beginning, and a few words around them; printable."""
    shown: list[Piece] = []
    count = sum(piece.differs for piece in pieces)
    for at, piece in enumerate(pieces):
        if piece.differs:
            old, new = excerpts(*map(_on_one_line, piece))
            shown.append(Piece(printable(old), printable(new)))
            if sum(one.differs for one in shown) == _MOST_SHOWN < count:
                more = f" … and {count - _MOST_SHOWN} more differences"
                return [*shown, Piece(more, more)]
        else:
            text = printable(_around(piece.new, is_first=at == 0, is_last=at == len(pieces) - 1))
            shown.append(Piece(text, text))
    return shown


def _on_one_line(text: str) -> str:
    """Write runs of white space as one blank, those at the ends too."""
    return re.sub(r"\s+", " ", text)


def _around(text: str, *, is_first: bool, is_last: bool) -> str:
    """Cut what two texts share to its words beside a difference, and its first ones."""
    words = text.split()
    head = _FIRST if is_first else _AFTER
    tail = 0 if is_last else _BEFORE
    if len(words) > head + tail + 1:
        words = [*words[:head], "…", *(words[-tail:] if tail else ())]
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and not is_last else ""
    cut = (word if len(word) <= _LONGEST else word[:_LONGEST] + "…" for word in words)
    return before + " ".join(cut) + (after if words else "")


def excerpts(old: str, new: str) -> tuple[str, str]:
    """Cut two texts to where they begin to differ."""
    same = next(
        (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
        min(len(old), len(new)),
    )
    fits = max(len(old), len(new)) <= _LONGEST
    start = 0 if fits else max(same - _LONGEST // 3, 0)
    return _excerpt(old, start), _excerpt(new, start)


def _excerpt(text: str, start: int) -> str:
    cut = text[start : start + _LONGEST]
    return ("…" if start else "") + cut + ("…" if len(text) > start + _LONGEST else "")
