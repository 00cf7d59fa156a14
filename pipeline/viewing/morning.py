"""Several jobs on one page: how each stands, and what they have cost, also by campaign."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.costing import add_costs
from pipeline.ledger.costs import META, Costs
from pipeline.models import Job
from pipeline.viewing.picture import Picture

CAMPAIGN = f"{META}campaign"
_POSTERS = 6


class _Shown(msgspec.Struct):
    """The part of an entry that the first page needs."""

    task: str
    status: str
    standing: str = ""
    verdict: str | None = None
    poster: str | None = None


_SHOWN = msgspec.json.Decoder(_Shown)


def described(picture: Picture, state: dict[str, Any], base: str) -> dict[str, Any]:
    """Describe a job by its entries and its state; `base` is where its page is."""
    shown = [_SHOWN.decode(entry) for entry in picture.entries]
    clips = [one for one in shown if one.status == "succeeded" and one.standing != "former"]
    words = [one.verdict for one in clips]
    posters = [f"{base}{one.poster.removeprefix('./')}" for one in clips if one.poster]
    return {
        **state,
        "clips": len(clips),
        "kept": words.count("kept"),
        "rejected": words.count("rejected"),
        "unseen": words.count(None),
        "posters": posters[:_POSTERS],
    }


def costs(jobs: Sequence[Job]) -> dict[str, Any]:
    """Add up what the jobs have cost: all together, and by campaign.

    Raises:
        DirectoryError: the output directory of one cannot be read.
    """
    found = Costs()
    for job in jobs:
        add_costs(found, job, (CAMPAIGN,), lambda _: None)
    by_campaign = [{"campaign": key[0], **sums.as_json()} for key, sums in found.groups()]
    return {"total": found.total().as_json(), "campaigns": by_campaign}
