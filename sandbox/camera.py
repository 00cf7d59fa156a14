"""Camera moves, read from a prompt. Pure: words in, positions out."""

import math
import re
from dataclasses import dataclass

_LEFT = re.compile(r"\bleft\b|counter-?clockwise", re.IGNORECASE)
_DOWN = re.compile(r"\bdown|descend|lower", re.IGNORECASE)
_STILL = re.compile(r"\b(static|fixed|locked|tripod|motionless)", re.IGNORECASE)
_ORBIT = re.compile(r"\b(orbit|arc\b|arcs\b|circl|revolv|around\b|360)", re.IGNORECASE)
_PAN = re.compile(r"\b(pan\b|pans\b|panning|truck|slid|track|follow)", re.IGNORECASE)
_RISE = re.compile(r"\b(crane|pedestal|boom|tilt|ris(e|es|ing)\b|descend|lower)", re.IGNORECASE)
_PUSH = re.compile(r"\b(push|(dolly|zoom|move)s? in|close-?up|approach|fly)", re.IGNORECASE)
_PULL = re.compile(r"\b(pull|(dolly|zoom|move)s? out|reveal|away)", re.IGNORECASE)
_SHAKE = re.compile(r"\b(hand-?held|shak)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera is. Each runs from -1 to 1; `zoom` from 0, wide, to 1, close."""

    x: float
    y: float
    zoom: float
    orbit: float


@dataclass(frozen=True, slots=True)
class Move:
    """A camera move over a clip: how far it goes each way, from -1 to 1."""

    pan: float = 0.0
    rise: float = 0.0
    push: float = 0.0
    orbit: float = 0.0
    shake: float = 0.0

    def at(self, moment: float, *, loop: bool) -> View:
        """Tell where the camera is at `moment`, from 0 to 1; a loop ends where it began."""
        if loop:
            along = (1 - math.cos(math.tau * moment)) / 2
        else:
            along = moment * moment * (3 - 2 * moment)  # slow at both ends
        side = 2 * along - 1
        # Whole turns, so that shaking closes a loop too.
        tremble = self.shake * math.sin(math.tau * moment * 5)
        return View(
            x=self.pan * side + tremble,
            y=self.rise * side + self.shake * math.cos(math.tau * moment * 4),
            zoom=along * self.push if self.push >= 0 else (along - 1) * self.push,
            orbit=self.orbit * side,
        )


def read_move(prompt: str) -> Move:
    """Read the move that a prompt asks for; without any word of it, a gentle drift."""
    side = -1.0 if _LEFT.search(prompt) else 1.0
    move = Move(
        pan=side if _PAN.search(prompt) else 0.0,
        rise=(-1.0 if _DOWN.search(prompt) else 1.0) if _RISE.search(prompt) else 0.0,
        push=1.0 if _PUSH.search(prompt) else -1.0 if _PULL.search(prompt) else 0.0,
        orbit=side if _ORBIT.search(prompt) else 0.0,
        shake=0.15 if _SHAKE.search(prompt) else 0.0,
    )
    if move == Move() and not _STILL.search(prompt):
        return Move(pan=0.35, push=0.3)
    return move
