"""What was seen of a clip: black and frozen stretches, and hashes by which twins are found."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

# Bits of 64 that differ, on average, between the frames of near-twins. Other takes of one prompt
# differ in about half of them.
_TWINS = 4
# Of how much their lengths may differ.
_LENGTHS = 0.05


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a clip. Times and stretches (begin, end) are in seconds from its start.

    `hashes` are those of frames at even steps, in hexadecimal digits. `fault` says why it cannot be
    decoded.
    """

    black: tuple[tuple[float, float], ...] = ()
    frozen: tuple[tuple[float, float], ...] = ()
    hashes: tuple[str, ...] = ()
    seconds: float = 0.0
    fault: str | None = None


def twins(looks: Mapping[str, Look]) -> dict[str, str]:
    """Name, for each of some takes, an earlier one that looks nearly the same."""
    found, seen = dict[str, str](), dict[str, Look]()
    for task, look in looks.items():
        twin = next((other for other, before in seen.items() if _alike(look, before)), None)
        if twin is not None:
            found[task] = twin
        seen[task] = look
    return found


def _alike(one: Look, other: Look) -> bool:
    if not one.hashes or not other.hashes:
        return False
    if abs(one.seconds - other.seconds) > _LENGTHS * max(one.seconds, other.seconds):
        return False
    count = min(len(one.hashes), len(other.hashes))
    pairs = zip(_some(one.hashes, count), _some(other.hashes, count), strict=True)
    return sum(map(_distance, pairs)) <= _TWINS * count


def _some(hashes: Sequence[str], count: int) -> Iterator[int]:
    return (int(hashes[at * len(hashes) // count], 16) for at in range(count))


def _distance(pair: tuple[int, int]) -> int:
    return (pair[0] ^ pair[1]).bit_count()
