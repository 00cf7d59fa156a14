"""The runs of all accounts as metrics in Prometheus's text format, by prometheus-client.

No value of a label is longer than `_LONGEST`, and none has a character that cannot be printed.
"""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import asdict
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest

from pipeline.events import Counts, Reason
from pipeline.ledger.quarters import DAYS
from pipeline.overview import AccountView, Overview, Run, every_job
from pipeline.printable import printable
from pipeline.state import State

_ACCOUNT = ("account", "ledger")
_CAP = (*_ACCOUNT, "period", "zone")
_JOB = ("job", "output")
_RUN = (*_ACCOUNT, *_JOB)
# Characters of a label.
_LONGEST = 250
# What a run notes as its pause while it finishes what is in flight.
_STOPPING = "stopping"


class Metric(NamedTuple):
    """A gauge; its name is `pipeline_` and the name here."""

    name: str
    labels: tuple[str, ...]
    help: str


# Gauges, because everything here can go down: spent money by a correction, or as its day leaves the
# period that a ledger knows. `docs/reference/monitoring.md` is printed from this.
METRICS = [
    Metric("look_timestamp_seconds", (), "When these metrics were read."),
    Metric("account_readable", _ACCOUNT, "1 if the account's ledger can be read."),
    Metric("account_balance_dollars", _ACCOUNT, "Credits of the account as last reported."),
    Metric("account_paused", _ACCOUNT, "1 while the API wants all runs to wait."),
    Metric("account_cap_dollars", _CAP, "What all runs may spend in a period."),
    Metric(
        "account_cap_used_dollars",
        _CAP,
        "What is spent, at risk or held of a cap.",
    ),
    Metric("account_cap_end_timestamp_seconds", _CAP, "When the period ends."),
    Metric("run_alive", _RUN, "1 if the process of the run is there, 0 if it was killed."),
    Metric("run_in_flight_requests", _RUN, "Requests in flight."),
    Metric("run_held_dollars", _RUN, "Set aside for requests in flight and for retries."),
    Metric("run_paused", (*_RUN, "reason"), "1 while the run sends nothing for this reason."),
    Metric("run_report_timestamp_seconds", _RUN, "When the run last reported to its account."),
    Metric("job_spent_dollars", _RUN, f"Spent by the job in the last {DAYS} days."),
    Metric(
        "job_at_risk_dollars",
        _RUN,
        f"May have been paid for without an output, in the last {DAYS} days.",
    ),
    Metric("job_tasks", (*_JOB, "status"), "Tasks of the job, as its run last noted them."),
    Metric(
        "manifest_spent_dollars",
        _JOB,
        "Spent by a job of the command line, in the lifetime of its manifest.",
    ),
    Metric(
        "manifest_at_risk_dollars",
        _JOB,
        "May have been paid for by a job of the command line without an output, likewise.",
    ),
]
_BY_NAME = {metric.name: metric for metric in METRICS}


class _Gauges:
    """A registry, to which a metric is added with its first value."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, value: Decimal | float, **labels: str) -> None:
        """Set the value of one series."""
        gauge = self._gauges.get(name)
        if gauge is None:
            _, names, help_ = _BY_NAME[name]
            gauge = Gauge(f"pipeline_{name}", help_, names, registry=self.registry)
            self._gauges[name] = gauge
        (gauge.labels(**labels) if labels else gauge).set(float(value))


def exposition(overview: Overview, jobs: Iterable[State] = ()) -> bytes:
    """Write all metrics; `jobs` are further ones, whose tasks are known exactly."""
    gauges = _Gauges()
    gauges.set("look_timestamp_seconds", overview.at)
    for account in overview.accounts:
        _account(gauges, account)
    # An output directory can be known to several accounts: its tasks are counted once.
    latest = {run.output: run for _, run in sorted(every_job(overview), key=lambda it: it[1].at)}
    for account, run in every_job(overview):
        _run(gauges, _labels(account) | _job(run.job, run.output), run)
    for run in latest.values():
        if run.tasks is not None:
            _tasks(gauges, _job(run.job, run.output), run.tasks)
    for state in jobs:
        _looked_at(gauges, state)
    return generate_latest(gauges.registry)


def _account(gauges: _Gauges, account: AccountView) -> None:
    labels = _labels(account)
    gauges.set("account_readable", account.problem is None, **labels)
    if account.problem is not None:
        return
    if account.balance is not None:
        gauges.set("account_balance_dollars", account.balance, **labels)
    gauges.set("account_paused", account.pause is not None, **labels)
    for cap in account.caps:
        labels |= {"period": _bounded(cap.period), "zone": _bounded(cap.zone)}
        gauges.set("account_cap_dollars", cap.limit, **labels)
        gauges.set("account_cap_used_dollars", cap.used, **labels)
        gauges.set("account_cap_end_timestamp_seconds", cap.ends, **labels)


def _run(gauges: _Gauges, labels: dict[str, str], run: Run) -> None:
    gauges.set("job_spent_dollars", run.spent, **labels)
    gauges.set("job_at_risk_dollars", run.at_risk, **labels)
    if run.pid is None:
        return
    gauges.set("run_alive", run.running, **labels)
    gauges.set("run_in_flight_requests", run.in_flight, **labels)
    gauges.set("run_held_dollars", run.held, **labels)
    gauges.set("run_report_timestamp_seconds", run.at, **labels)
    paused = run.pause.reason if run.pause else None
    for reason in (*Reason, _STOPPING):
        gauges.set("run_paused", paused == reason, **labels, reason=str(reason))


def _looked_at(gauges: _Gauges, state: State) -> None:
    """Add a job that was read from its own files: its lifetime, on whatever account."""
    labels = _job(state.job, state.output)
    _tasks(gauges, labels, state.counts)
    gauges.set("manifest_spent_dollars", state.spent, **labels)
    gauges.set("manifest_at_risk_dollars", state.at_risk, **labels)


def _tasks(gauges: _Gauges, labels: dict[str, str], tasks: Counts) -> None:
    for status, number in asdict(tasks).items():
        if status != "total":  # it is the sum of the others
            gauges.set("job_tasks", number, **labels, status=status)


def _labels(account: AccountView) -> dict[str, str]:
    name = account.name or account.ledger
    return dict(zip(_ACCOUNT, (_bounded(name), _bounded(account.ledger)), strict=True))


def _job(name: str, output: str) -> dict[str, str]:
    return dict(zip(_JOB, (_bounded(name), _bounded(output)), strict=True))


def _bounded(text: str) -> str:
    """Bound a label; two that differ only in what is cut off stay different."""
    shown = printable(text)
    if len(shown) <= _LONGEST:
        return shown
    digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:8]
    return f"{shown[: _LONGEST - 10]}…{digest}"
