"""What a provider takes as inputs: how each parameter's file is sent, and which files. Pure."""

from collections.abc import Callable

import msgspec

from pipeline.api.outcome import Decision, Fault, Judgement, Outcome
from pipeline.models import Cause, Form

MOST_BYTES = 100 * 1024**2
"""Bytes of a file where a provider does not say how many it takes."""

IN_THE_REQUEST = frozenset({Form.DATA_URI, Form.BASE64})
_MEDIA = ("image/", "video/", "audio/", "model/")
# What the name of a parameter says about what it takes.
_NAMED = (
    (("image", "img", "photo", "picture", "frame", "mask"), ("image/",)),
    (("video", "clip", "footage"), ("video/", "image/gif", "image/webp")),
    (("audio", "voice", "speech", "sound", "music", "song"), ("audio/", "video/")),
)


def as_data_uri(_: str) -> Form:
    """Send whatever has no form of its own as a data URI."""
    return Form.DATA_URI


class InputRules(msgspec.Struct, frozen=True):
    """Which inputs a provider takes. `form_of` says how those of a parameter are usually sent.

    `max_bytes` is for a file within a request, `max_upload` for one that is uploaded before.
    """

    forms: frozenset[Form] = IN_THE_REQUEST | {Form.URL}
    form_of: Callable[[str], Form] = as_data_uri
    max_bytes: int = MOST_BYTES
    max_upload: int = MOST_BYTES
    types: tuple[str, ...] = _MEDIA

    def most(self, form: Form) -> int:
        """How many bytes a file may have that is sent in a form."""
        return self.max_upload if form is Form.UPLOAD else self.max_bytes

    def takes(self, type_: str) -> bool:
        """Whether a file of a type can be an input; a type may stand for a family: `image/`."""
        return type_.startswith(self.types)


def fits(name: str, type_: str) -> bool:
    """Whether the name of a parameter allows a type; most names say nothing."""
    words = name.casefold()
    return all(
        type_.startswith(kinds)
        for marks, kinds in _NAMED
        if any(mark in words for mark in marks) and not _says_another(words, marks)
    )


def _says_another(words: str, marks: tuple[str, ...]) -> bool:
    """Whether a name speaks of several kinds, as `image_or_video_url` does."""
    others = (mark for other, _ in _NAMED if other is not marks for mark in other)
    return any(mark in words for mark in others)


UNSENT = frozenset({Fault.INPUT_CHANGED, Fault.INPUT_UNAVAILABLE})
"""Faults of inputs where nothing of a request was sent: the provider knows nothing of it."""


def judge_input(outcome: Outcome) -> Judgement | None:
    """Say what a fault of an input means, whoever the provider is; None where there is none."""
    error = f"{outcome.fault}: {outcome.detail}"
    if outcome.fault is Fault.INPUT_CHANGED:
        return Judgement(decision=Decision.FAIL, error=error, reason=Cause.INPUT_CHANGED)
    if outcome.fault is Fault.INPUT_UNAVAILABLE:
        decision = Decision.FAIL if outcome.hopeless else Decision.RETRY
        return Judgement(decision=decision, error=error, reason=Cause.INPUT_UNAVAILABLE)
    if outcome.fault is Fault.INPUT_CUT:
        # No server can read it without its end, but none has said that it did not.
        return Judgement(
            decision=Decision.IN_DOUBT, error=error, reason=Cause.INPUT_CHANGED, charged=True
        )
    return None


def is_address(text: str) -> bool:
    """Whether a text is meant as an address, and not as a path."""
    return "://" in text or text[:5].casefold() == "data:"
