"""The first page of several jobs that `view` serves: how each stands, and what they cost."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from html import escape
from typing import Any

from pipeline.amounts import dollars

_UNKNOWN = "\N{EN DASH}"


def parts(front: Mapping[str, Any]) -> dict[str, str]:
    """Return the HTML of each placeholder; everything from outside is escaped here.

    `front` has the `jobs`, each with its `name`, its `address` and its state, or why it cannot be
    read; and the `costs` of all of them, by campaign too.
    """
    jobs = front["jobs"]
    return {
        "count": f"{len(jobs)} jobs",
        "rows": "".join(map(_row, jobs)),
        "campaigns": "".join(_campaigns(front["costs"])),
    }


def _row(job: Mapping[str, Any]) -> str:
    link = f'<a href="{escape(job["address"])}">{escape(job["name"])}</a>'
    where = f"<small>{escape(job['output'])}</small>"
    if "error" in job:
        fault = f'<td colspan="7">{escape(job["error"])}</td>'
        return f'<tr><th scope="row">{link}{where}</th>{fault}</tr>'
    counts = job["counts"]
    doing = escape(job["state"] + (f": {job['detail']}" if job["detail"] else ""))
    cells = (
        doing,
        f"{counts['succeeded']:,} of {counts['total']:,}",
        f"{counts['failed'] + counts['in_doubt']:,}",
        f"{job['kept']:,}",
        f"{job['rejected']:,}",
        f"{job['unseen']:,}",
        _money(job["spent"]) + (f" + {_money(job['at_risk'])} at risk" if job["at_risk"] else ""),
    )
    shown = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{link}{where}</th>{shown}</tr>'


def _campaigns(costs: Mapping[str, Any]) -> Iterator[str]:
    groups = [(one["campaign"], one) for one in costs["campaigns"]]
    for name, sums in [*groups, ("All jobs", costs["total"])]:
        each, kept = _money(sums["cost_per_clip"]), _money(sums["cost_per_kept_clip"])
        cells = (_money(sums["spent"]), f"{sums['clips']:,}", each, f"{sums['kept']:,}", kept)
        shown = "".join(f"<td>{cell}</td>" for cell in cells)
        named = "No campaign" if name is None else escape(str(name))
        yield f'<tr><th scope="row">{named}</th>{shown}</tr>'


def _money(amount: Decimal | None) -> str:
    return _UNKNOWN if amount is None else dollars(amount)
