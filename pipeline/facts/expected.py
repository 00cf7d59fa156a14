"""Whether a clip is as its job expects. What is not is flagged, and never rendered again."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pipeline.models import Expect, Facts, Presence, Record, Status

RATIO = re.compile(r"(\d{1,5}(?:\.\d{1,4})?):(\d{1,5}(?:\.\d{1,4})?)", re.ASCII)
# Encoders round the sides of a film: to even numbers, or to multiples of 8 or 16.
_ROUNDED = 16
# So small a difference is none where a side is short, so that 4:5 is never taken for 3:4.
_ALIKE = 0.05
# Seconds: a film of 5 s has frames for 4.96 s, and sound for a little longer.
_ABOUT = 0.1


class Flag(NamedTuple):
    """One thing that is not as expected: the key of `expect`, and what was found, for people."""

    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        """Say it on one line."""
        return f"{_NAMES.get(self.key, self.key)} {self.found}, expected {self.expected}"


_NAMES = {
    "aspect_ratio": "aspect ratio",
    **dict.fromkeys(("min_duration", "max_duration"), "duration"),
    **dict.fromkeys(("min_width", "max_width"), "width"),
    **dict.fromkeys(("min_height", "max_height"), "height"),
    "content_credentials": "content credentials",
}


def flags_of(record: Record, expect: Expect | None) -> tuple[Flag, ...]:
    """Say what of the clip of a record is not as expected; nothing of what is not known."""
    if expect is None or record.media is None or record.status is not Status.SUCCEEDED:
        return ()
    return flags(record.media, expect, record.params)


def flags(media: Facts, expect: Expect, params: Mapping[str, Any]) -> tuple[Flag, ...]:
    """Compare facts with what is expected of a task with these parameters."""
    return tuple(_flags(media, expect, params))


def _flags(media: Facts, expect: Expect, params: Mapping[str, Any]) -> Iterator[Flag]:
    wanted = _ratio(expect.aspect_ratio, params)
    width, height = media.width or 0, media.height or 0
    if wanted is not None and width > 0 and height > 0 and not _is_about(width, height, wanted):
        yield Flag("aspect_ratio", f"{width}×{height}", _written(expect.aspect_ratio, params))
    if (long := media.duration_s) is not None:
        if expect.min_duration is not None and long < expect.min_duration - _ABOUT:
            yield Flag("min_duration", f"{long:g} s", f"at least {expect.min_duration:g} s")
        if expect.max_duration is not None and long > expect.max_duration + _ABOUT:
            yield Flag("max_duration", f"{long:g} s", f"at most {expect.max_duration:g} s")
    for side in ("width", "height"):
        yield from _side(side, getattr(media, side), expect)
    for name in ("audio", "content_credentials"):
        there, wish = getattr(media, name), getattr(expect, name)
        if there is not None and wish is not Presence.ANY and there is not (wish is Presence.YES):
            yield Flag(name, "yes" if there else "no", str(wish))


def _side(side: str, pixels: int | None, expect: Expect) -> Iterator[Flag]:
    least, most = getattr(expect, f"min_{side}"), getattr(expect, f"max_{side}")
    if pixels is None:
        return
    if least is not None and pixels < least:
        yield Flag(f"min_{side}", f"{pixels}", f"at least {least}")
    if most is not None and pixels > most:
        yield Flag(f"max_{side}", f"{pixels}", f"at most {most}")


def _written(wish: str | bool | None, params: Mapping[str, Any]) -> str:
    return str(params.get("aspect_ratio", "")) if wish is True else str(wish)


def _ratio(wish: str | bool | None, params: Mapping[str, Any]) -> float | None:
    """Return the width a height is expected to have; None where nothing is, or it is no ratio."""
    match = RATIO.fullmatch(_written(wish, params)) if wish else None
    down = float(match[2]) if match else 0.0
    return float(match[1]) / down if match and down and float(match[1]) else None


def _is_about(width: int, height: int, wanted: float) -> bool:
    """Return whether a shape is that of a ratio, but for the rounding of one side or the other."""
    if abs(width / height / wanted - 1) > _ALIKE:
        return False
    return abs(width - height * wanted) <= _ROUNDED or abs(height - width / wanted) <= _ROUNDED
