"""What is read off the runs: medians with least and most, ratios of a round, waves. Pure."""

import json
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

Run = dict[str, float]
Runs = dict[str, list[Run]]
# Median, least, most.
Spread = list[float]

QUICKEST = "the quickest peer"


def rounded(value: float) -> float:
    """Keep four digits: what differs beyond them is chance."""
    short = float(f"{value:.4g}")
    return int(short) if short.is_integer() else short


def spread(values: Sequence[float]) -> Spread:
    return [rounded(each) for each in (median(values), min(values), max(values))]


def figures(runs: Runs) -> dict[str, dict[str, Spread]]:
    """Sum up the rounds of each contender."""
    return {
        name: {key: spread([run[key] for run in rounds]) for key in rounds[0] if key != "round"}
        for name, rounds in runs.items()
    }


def ratios(
    runs: Runs, us: str, own: Iterable[str] = (), *, alike: bool = True
) -> dict[str, dict[str, Spread]]:
    """Hold `us` against each other contender of the same round, figure by figure.

    QUICKEST is, in each round, the peer with the shortest makespan; `own` are not peers.
    None is where not all did as much (`alike`).
    """
    ours = {run["round"]: run for run in runs.get(us, [])}
    found: dict[str, dict[str, Spread]] = {}
    for name, rounds in runs.items():
        pairs = [(ours[run["round"]], run) for run in rounds if run["round"] in ours]
        if name == us or not pairs:
            continue
        found[name] = {
            key: spread([mine[key] / theirs[key] for mine, theirs in pairs])
            for key in ("cpu", "wall", "makespan")
            if all(mine.get(key) and theirs.get(key) for mine, theirs in pairs)
        }
    if alike and (quickest := _quickest(runs, ours, {us, *own})):
        found[QUICKEST] = {"makespan": spread(quickest)}
    return found


def _quickest(runs: Runs, ours: dict[float, Run], not_peers: set[str]) -> list[float]:
    found = []
    for turn, mine in ours.items():
        theirs = [
            run["makespan"]
            for name, rounds in runs.items()
            if name not in not_peers
            for run in rounds
            if run["round"] == turn and "makespan" in run
        ]
        if theirs:
            found.append(mine["makespan"] / min(theirs))
    return found


def waves(arrivals: Sequence[float], size: int) -> list[Spread]:
    """Sum up when requests arrived, `size` at a time: the first, the median, the last of a wave."""
    ordered = sorted(arrivals)
    parts = [ordered[at : at + size] for at in range(0, len(ordered), size)]
    return [[round(each, 3) for each in (part[0], median(part), part[-1])] for part in parts]


def medians(samples: Sequence[list[Spread]]) -> list[Spread]:
    """Take the median of each time over several rounds of as many waves."""
    return [
        [round(median(times), 3) for times in zip(*wave, strict=True)]
        for wave in zip(*samples, strict=False)
    ]


def dumps(value: Any, room: int = 110, indent: int = 0) -> str:
    """Write JSON that a diff can show: on one line whatever fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= room or not isinstance(value, dict | list) or not value:
        return flat
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        parts = [
            f"{pad}{json.dumps(key, ensure_ascii=False)}: {dumps(each, room, indent + 1)}"
            for key, each in value.items()
        ]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    parts = [pad + dumps(each, room, indent + 1) for each in value]
    return "[\n" + ",\n".join(parts) + "\n" + " " * indent + "]"
