"""The runs of all accounts as metrics in Prometheus's text format, by prometheus-client.

No value of a label is longer than `_LONGEST`, and none has a character that cannot be printed.
"""

import hashlib
from collections.abc import Iterable
from decimal import Decimal

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest

from pipeline.events import Counts, Reason
from pipeline.money.account import Cap
from pipeline.overview import AccountView, Overview, Run, every_job
from pipeline.printable import printable
from pipeline.state import State

_ACCOUNT = ("account", "ledger")
_RUN = (*_ACCOUNT, "job", "output")
_STATUSES = ("succeeded", "failed", "in_doubt", "pending", "accepted")
# Characters of a label.
_LONGEST = 250
# What a run notes as its pause while it finishes what is in flight.
_STOPPING = "stopping"


class _Metrics:
    """A registry of gauges, each made when it first gets a value.

    Gauges, because everything here can go down: spent money by a correction, or as its day leaves
    the period that a ledger knows.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, help_: str, value: Decimal | float, **labels: str) -> None:
        """Set the value of one series."""
        gauge = self._gauges.get(name)
        if gauge is None:
            gauge = Gauge(f"pipeline_{name}", help_, tuple(labels), registry=self.registry)
            self._gauges[name] = gauge
        (gauge.labels(**labels) if labels else gauge).set(float(value))


def exposition(overview: Overview, jobs: Iterable[State] = ()) -> bytes:
    """Write all metrics; `jobs` are further ones, whose tasks are known exactly."""
    metrics = _Metrics()
    metrics.set("look_timestamp_seconds", "When these metrics were read.", overview.at)
    for account in overview.accounts:
        _account(metrics, account)
    # An output directory can be known to several accounts: its tasks are counted once.
    latest = {run.output: run for _, run in sorted(every_job(overview), key=lambda it: it[1].at)}
    for account, run in every_job(overview):
        labels = _labels(account) | _job(run.job, run.output)
        _spent(metrics, labels, run, overview.days)
        if run.pid is not None:
            _run(metrics, labels, run)
    for run in latest.values():
        if run.tasks is not None:
            _tasks(metrics, _job(run.job, run.output), run.tasks)
    for state in jobs:
        _looked_at(metrics, state)
    return generate_latest(metrics.registry)


def _account(metrics: _Metrics, account: AccountView) -> None:
    labels = _labels(account)
    readable = account.problem is None
    metrics.set("account_readable", "1 if the account's ledger can be read.", readable, **labels)
    if not readable:
        return
    if account.balance is not None:
        help_ = "Credits of the account as last reported, in US dollars."
        metrics.set("account_balance_dollars", help_, account.balance, **labels)
    help_ = "1 while the API wants all runs of the account to wait."
    metrics.set("account_paused", help_, account.pause is not None, **labels)
    for cap in account.caps:
        _cap(metrics, cap, {**labels, "period": _bounded(cap.period)})


def _cap(metrics: _Metrics, cap: Cap, labels: dict[str, str]) -> None:
    metrics.set("account_cap_dollars", "What all runs may spend in a period.", cap.limit, **labels)
    help_ = "What is spent, at risk or held of a cap."
    metrics.set("account_cap_used_dollars", help_, cap.used, **labels)
    metrics.set("account_cap_end_timestamp_seconds", "When the period ends.", cap.ends, **labels)


def _spent(metrics: _Metrics, labels: dict[str, str], run: Run, days: int) -> None:
    help_ = f"Spent by the job on this account in the last {days} days."
    metrics.set("job_spent_dollars", help_, run.spent, **labels)
    help_ = f"May have been paid for without an output, in the last {days} days."
    metrics.set("job_at_risk_dollars", help_, run.at_risk, **labels)


def _run(metrics: _Metrics, labels: dict[str, str], run: Run) -> None:
    metrics.set("run_alive", "1 if the run's process is there.", run.running, **labels)
    metrics.set("run_in_flight_requests", "Requests in flight.", run.in_flight, **labels)
    help_ = "Set aside for requests in flight and for retries."
    metrics.set("run_held_dollars", help_, run.held, **labels)
    help_ = "When the run last reported anything to its account."
    metrics.set("run_report_timestamp_seconds", help_, run.at, **labels)
    paused = run.pause.reason if run.pause else None
    for reason in (*Reason, _STOPPING):
        help_ = "1 while the run sends nothing for this reason."
        metrics.set("run_paused", help_, paused == reason, **labels, reason=str(reason))


def _looked_at(metrics: _Metrics, state: State) -> None:
    """Add a job that was read from its own files: its lifetime, on whatever account."""
    labels = _job(state.job, state.output)
    _tasks(metrics, labels, state.counts)
    help_ = "Spent by the job in the lifetime of its manifest."
    metrics.set("manifest_spent_dollars", help_, state.spent, **labels)
    help_ = "May have been paid for without an output, in the lifetime of the manifest."
    metrics.set("manifest_at_risk_dollars", help_, state.at_risk, **labels)


def _tasks(metrics: _Metrics, labels: dict[str, str], tasks: Counts) -> None:
    for status in _STATUSES:
        number = getattr(tasks, status)
        metrics.set("job_tasks", "Tasks of the job.", number, **labels, status=status)


def _labels(account: AccountView) -> dict[str, str]:
    name = account.name or account.ledger
    return dict(zip(_ACCOUNT, (_bounded(name), _bounded(account.ledger)), strict=True))


def _job(name: str, output: str) -> dict[str, str]:
    return {"job": _bounded(name), "output": _bounded(output)}


def _bounded(text: str) -> str:
    """Bound a label; two that differ only in what is cut off stay different."""
    shown = printable(text)
    if len(shown) <= _LONGEST:
        return shown
    digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:8]
    return f"{shown[: _LONGEST - 10]}…{digest}"
