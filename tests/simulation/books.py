"""What the runs have written, held against the vendor's books."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from pipeline import events as ev
from pipeline.ledger.manifest import last_records, replay
from pipeline.models import Status
from simulation.vendor import Vendor


@dataclass(slots=True)
class Books:
    """Sums over the manifests of all runs, in US dollars, and `faults`: what must never be."""

    statuses: Counter[Status] = field(default_factory=Counter)
    spent: Decimal = Decimal(0)
    at_risk: Decimal = Decimal(0)
    faults: list[str] = field(default_factory=list)

    def add(self, manifest: Path, ends: Sequence[float]) -> None:
        """Read a manifest, as anybody would; a task was charged where its `ends` is not 0."""
        history = replay(manifest)
        self.spent += history.spent
        self.at_risk += history.at_risk
        charged = {number for number, end in enumerate(ends) if end}
        for record in last_records(manifest, history):
            self.statuses[record.status] += 1
            paid = int(record.task) in charged
            charged.discard(int(record.task))
            if record.status is not Status.IN_DOUBT and paid != bool(record.cost):
                self.faults.append(f"{manifest}: {record.task} cost {record.cost}, paid: {paid}")
        if charged:
            self.faults.append(f"{manifest}: {len(charged)} were charged and have no record")

    def compare(self, vendor: Vendor, summaries: Iterable[ev.Summary]) -> None:
        """Hold the sums against the vendor's, and against what the runs have said."""
        written = self.spent + self.at_risk
        said = sum((one.money.spent + one.money.at_risk for one in summaries), Decimal(0))
        if said != written:
            self.faults.append(f"{written} are written, and the runs have said {said}")
        if vendor.charged > written:
            self.faults.append(f"{vendor.charged} were charged, and {written} are written")
        if vendor.repeated:
            self.faults.append(f"{vendor.repeated} requests for what was charged already")
        if vendor.peak > vendor.scenario.in_flight:
            self.faults.append(f"{vendor.peak} were in flight")
