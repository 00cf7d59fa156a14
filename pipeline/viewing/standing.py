"""How a job stands, as its pages read it: what a run says of itself, else what its files say."""

import time
from collections.abc import Sequence
from typing import Any

from pipeline.controlling.place import socket_place
from pipeline.events import Standing
from pipeline.models import rfc3339
from pipeline.store.layout import Layout
from pipeline.store.state_file import read_note
from pipeline.viewing.picture import Picture

_COUNTS = ("total", "succeeded", "failed", "in_doubt", "pending")
_MONEY = ("spent", "at_risk", "remaining_credits")
_FEW = 5  # results from which on there is a pace


def standing(picture: Picture, answer: Standing | None) -> dict[str, Any]:
    """Describe a job. `answer` is what its run has answered last; None where there is no answer."""
    job, totals, running = picture.job, picture.totals, picture.running
    answer = answer if running else None  # of a run that has ended nothing is in flight
    known = totals if answer is None else answer
    counts = {name: getattr(known, name) for name in _COUNTS}
    waiting = known.accepted
    left = counts["pending"] + waiting + (answer.in_flight if answer else 0)
    return {
        "running": running,
        **_doing(picture, answer),
        "concurrency": answer.concurrency if answer else job.concurrency,
        "rate": answer.rate if answer else str(job.rate) if job.rate else None,
        "budget": answer.budget if answer else job.credits.budget,
        "in_flight": answer.in_flight if answer else 0,
        "accepted": waiting,
        "counts": counts,
        **{name: getattr(known, name) for name in _MONEY},
        "eta_s": eta(picture.arrivals, left, time.monotonic()) if running else None,
        "started_at": _began(Layout(job.output_dir)) if running else None,
        "now": rfc3339(time.time()),
    }


def _doing(picture: Picture, answer: Standing | None) -> dict[str, Any]:
    if not picture.running:
        return {"state": "ended", "reason": None, "detail": None, "until": None}
    if answer is not None:
        return {
            "state": answer.state,
            "reason": answer.reason,
            "detail": answer.detail,
            "until": answer.until,
        }
    # It does not answer, as one that is just beginning, or another user's: there is its note.
    note = read_note(Layout(picture.job.output_dir))
    held = note is not None and note.hold
    return {
        "state": "waiting" if held else "running",
        "reason": note.hold if note else None,
        "detail": note.detail if note else None,
        "until": note.until if note else None,
    }


def eta(arrivals: Sequence[float], left: int, now: float) -> float | None:
    """Return in how many seconds the rest will have ended, by the pace of the last results.

    None where too few have come to say.
    """
    if len(arrivals) < _FEW or now <= arrivals[0]:
        return None
    return round(left * (now - arrivals[0]) / len(arrivals), 1)


def _began(layout: Layout) -> str | None:
    """Return when a run began: then it made its socket."""
    try:
        made = socket_place(layout.root).lstat().st_mtime
    except OSError:
        return None
    return rfc3339(made)
