"""How many more outputs the disk has room for, between two looks at it. Pure; monotonic seconds."""

from dataclasses import dataclass

# Seconds for which a look counts: others may write to the disk, too.
_COUNTS = 0.05


@dataclass(slots=True)
class Room:
    """What the last look at the disk has shown: room for so many outputs more, of this size.

    Each that is chosen since takes of it, and none gives back: outputs lie on the disk by then.
    """

    _until: float = float("-inf")
    _each: int = 0
    _left: float = 0.0

    def is_known(self, now: float, each: int) -> bool:
        """Whether there is room for another output of `each` bytes without another look."""
        return now < self._until and each <= self._each and self._left >= 1

    def note(self, now: float, each: int, left: float) -> None:
        """Note a look at the disk: it has room for so many outputs more."""
        self._until, self._each, self._left = now + _COUNTS, each, left

    def take(self) -> None:
        """Note that another output is to come."""
        self._left -= 1
