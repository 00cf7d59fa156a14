"""bench/results/latest.json: the figures that the page shows, small enough to read in a diff."""

import json
from pathlib import Path
from typing import Any

from bench.figures import dumps
from bench.measure import HERE

PATH = HERE / "results" / "latest.json"


def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Lay the rows of a run over those of earlier ones: a single row can be measured again."""
    rows = {row["key"]: row for row in old.get("rows", [])}
    rows |= {row["key"]: row for row in new["rows"]}
    return {**new, "rows": list(rows.values())}


def write(new: dict[str, Any], path: Path = PATH) -> dict[str, Any]:
    """Merge a run into the file; returns what it contains now."""
    old = json.loads(path.read_text()) if path.exists() else {}
    merged = merge(old, new)
    path.write_text(dumps(merged) + "\n")
    return merged
