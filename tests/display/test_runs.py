"""All runs of this machine as text, on a screen and as metrics, from what was read."""

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from pipeline.display.metrics import METRICS, exposition
from pipeline.display.runs import NOTHING, lines, rate
from pipeline.display.screen import screen
from pipeline.events import Counts
from pipeline.money.account import Cap
from pipeline.overview import AccountView, Overview, Pause, Run

ROOT = Path(__file__).parent.parent.parent
NOW = 1_800_000_000.0
CAP = Cap("day", Decimal(50), Decimal("41.8"), NOW + 3600, "Europe/London")
# The value of each series, by its name and its labels.
Found = dict[tuple[str, frozenset[tuple[str, str]]], float]
HOSTILE = 'a\x1b[31m\n# TYPE x counter\nb"c\\d\u202e\udc80'


def run(job: str = "spring", **changes: object) -> Run:
    made = Run(
        job=job, output=f"/jobs/outputs/{job}", file=f"/jobs/{job}.yaml", pid=1234, running=True,
        in_flight=3, left=0, held=Decimal("2.85"), spent=Decimal("41.8"), at_risk=Decimal(0),
        tasks=Counts(96, 44, 1, 2, 49, 0), pause=None, gone=False, at=NOW - 1,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def dead(job: str = "autumn", **changes: object) -> Run:
    left = {
        "running": False,
        "in_flight": 0,
        "left": 4,
        "held": Decimal(0),
        "at_risk": Decimal("3.8"),
    }
    return run(job, **{**left, **changes})


def ended(job: str = "winter", **changes: object) -> Run:
    over = {"pid": None, "left": 0, "at_risk": Decimal(0), "tasks": Counts(9, 9)}
    return dead(job, **{**over, **changes})


def account(*runs: Run, **changes: object) -> AccountView:
    made = AccountView("a1b2c3d4e5f60718", "acme", "api.example.com", Decimal("12.3"), runs=runs)
    return replace(made, **changes)  # type: ignore[arg-type]


def spelled(*arguments: str) -> str:
    return " ".join(["pipeline", *arguments])


def text(*accounts: AccountView) -> str:
    return "\n".join(lines(Overview(NOW, accounts), spelled))


def drawn(*accounts: AccountView, columns: int = 120, rows: int = 30) -> list[str]:
    console = Console(width=columns, height=rows, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(screen(Overview(NOW, accounts), rows, spelled))
    return captured.get().splitlines()


def samples(*accounts: AccountView) -> Found:
    """Read the metrics back; no series may be there twice, or a collector refuses all."""
    found: Found = {}
    for family in text_string_to_metric_families(exposition(Overview(NOW, accounts)).decode()):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def value(found: Found, name: str, **labels: str) -> float:
    """The one value of a metric whose labels include these."""
    (one,) = [
        value
        for (called, has), value in found.items()
        if called == f"pipeline_{name}" and labels.items() <= dict(has).items()
    ]
    return one


def documented(heading: str) -> set[str]:
    """The fields in a table of the reference."""
    page = (ROOT / "docs" / "reference" / "monitoring.md").read_text(encoding="utf-8")
    section = page.partition(f"# {heading}\n")[2].partition("\n#")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_every_field_of_the_json_is_documented() -> None:
    pause = Pause("outage", "", None)
    whole = Overview(NOW, (account(run(pause=pause), caps=(CAP,), pause=pause),)).as_json()
    (shown,) = whole["accounts"]
    (one,), (cap,) = shown["runs"], shown["caps"]
    assert whole.keys() == documented("status --json")
    assert shown.keys() == documented("An account")
    assert cap.keys() == documented("A cap")
    assert one.keys() == documented("A run")
    assert one["tasks"].keys() == set(Counts.__struct_fields__)
    assert shown["pause"].keys() == one["pause"].keys() == documented("A pause")


def test_the_alerts_of_the_documentation_name_metrics_that_exist() -> None:
    page = (ROOT / "docs" / "how-to" / "monitor.md").read_text(encoding="utf-8")
    named = set(re.findall(r"pipeline_(\w+[a-z])", page))
    assert named
    assert named <= {metric.name for metric in METRICS}


# -- as text --------------------------------------------------------------------------------------


def test_without_any_account_it_says_that_no_run_is_known() -> None:
    assert text() == NOTHING
    assert NOTHING in drawn()[0]


def test_an_account_shows_its_balance_pause_and_caps_and_when_they_end() -> None:
    shown = text(account(run(), caps=(CAP,), pause=Pause("HTTP 429", "", NOW + 60)))
    assert "acme at api.example.com, $12.30 credits left as last reported" in shown
    assert re.search(r"all runs paused until .*: HTTP 429", shown)
    assert re.search(r"\$41.80 of \$50.00 used, until .* \(Europe/London\)", shown)


def test_a_run_shows_its_process_its_money_its_tasks_and_why_it_is_paused() -> None:
    pause = Pause("outage", "HTTP 503", NOW + 75)
    shown = text(account(run(pause=pause)))
    for words in (
        "spring: running, pid 1234, 3 in flight",
        "$2.85",
        "$41.80  in the last 62 days",
        "44 of 96 succeeded, 1 failed, 2 in doubt, 49 to do",
        "outage, next look in 1 min 15 s: HTTP 503",
        "/jobs/outputs/spring",
    ):
        assert words in shown


def test_a_dead_run_with_money_at_risk_says_what_to_do() -> None:
    shown = text(account(dead()))
    assert "autumn: not running; it had 4 in flight\n" in shown
    assert "`pipeline run /jobs/autumn.yaml`" in shown
    assert "`pipeline settle /jobs/autumn.yaml`" in shown


def test_the_command_names_an_output_directory_that_is_not_the_usual_one() -> None:
    shown = text(account(dead(output="/elsewhere")))
    assert "`pipeline settle /jobs/autumn.yaml --output /elsewhere`" in shown


def test_a_dead_run_whose_job_file_is_gone_still_says_what_to_do() -> None:
    assert "run its job again, or use `pipeline settle`" in text(account(dead(file=None)))


def test_a_dead_run_with_nothing_at_risk_asks_for_nothing() -> None:
    assert "to do  " not in text(account(dead(at_risk=Decimal(0), tasks=None)))


def test_a_dead_run_whose_output_directory_is_gone_points_to_the_page_of_the_account() -> None:
    shown = text(account(dead(gone=True)))
    assert "its output directory is gone" in shown
    assert "`pipeline" not in shown


def test_a_job_without_a_run_is_listed_while_something_of_it_is_at_risk() -> None:
    doubtful = ended("winter", at_risk=Decimal("0.95"), output="/")
    shown = text(account(run(), ended=(doubtful, ended("may"), ended("june"))))
    assert "winter: not running\n" in shown
    assert "`pipeline settle /jobs/winter.yaml --output /`" in shown
    assert "2 jobs without a run: $83.60 spent in the last 62 days" in shown
    assert "may" not in shown.replace("may have been", "")
    assert "winter" in "\n".join(drawn(account(ended=(doubtful,))))


def test_the_bounds_of_all_runs_are_shown_with_how_much_of_them_is_used() -> None:
    shown = text(account(run(), run("may"), concurrency=20, interval=1.0))
    assert "6 of at most 20 requests in flight" in shown
    assert "at most 1 request a second" in shown


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (0.1, "10 requests a second"),
        (1.5, "40 requests a minute"),
        (90.0, "40 requests an hour"),
        (0.7, "1.4 requests a second"),
        (1e6, "0.1 requests a day"),
    ],
)
def test_a_rate_is_shown_in_the_unit_in_which_it_is_a_number_of_requests(
    interval: float, words: str
) -> None:
    assert rate(interval) == words


def test_a_ledger_that_cannot_be_read_says_so_and_the_others_are_shown() -> None:
    broken = AccountView("00000000deadbeef", problem="it is damaged")
    for shown in (text(broken, account(run())), "\n".join(drawn(broken, account(run())))):
        assert "00000000deadbeef" in shown
        assert "cannot be read: it is damaged" in shown
        assert "spring" in shown


# -- on a screen ----------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("rows", [3, 10, 24, 60])
def test_a_screen_is_never_taller_than_the_terminal(columns: int, rows: int) -> None:
    many = [dead(f"job-{n}") for n in range(30)]
    full = account(*many, caps=(CAP, CAP), pause=Pause("HTTP 429", "", NOW))
    shown = drawn(
        full, account(run()), AccountView("0", problem="x" * 300), columns=columns, rows=rows
    )
    assert len(shown) <= rows
    assert all(len(line) <= columns for line in shown)


def test_runs_that_do_not_fit_are_counted() -> None:
    shown = drawn(account(*[run(f"job-{n}") for n in range(30)]), rows=10)
    fitting = sum("job-" in line for line in shown)
    assert 0 < fitting < 30
    assert f"{30 - fitting} more runs do not fit" in shown[-1]


def test_a_screen_shows_what_a_run_waits_for_and_what_needs_somebody() -> None:
    shown = "\n".join(drawn(account(run(pause=Pause("window", "closed", NOW + 60)), dead())))
    assert re.search(r"spring +paused", shown)
    assert re.search(r"autumn +not running", shown)
    assert "spring: window, next look in 1 min 00 s: closed" in shown
    assert "autumn: $3.80 may have been paid for" in shown


def test_hostile_names_cannot_control_the_screen() -> None:
    shown = "\n".join(drawn(account(run(HOSTILE), name=HOSTILE), columns=200))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert r"\x1b[31m" in shown


# -- as metrics -----------------------------------------------------------------------------------


def test_metrics_have_all_that_status_shows() -> None:
    found = samples(
        account(run(pause=Pause("outage", "", None)), dead(), caps=(CAP,)),
        AccountView("00000000deadbeef", problem="it is damaged"),
    )
    of_account = {"account": "acme", "ledger": "a1b2c3d4e5f60718"}
    assert value(found, "account_balance_dollars", **of_account) == 12.3
    assert value(found, "account_cap_dollars", period="day", **of_account) == 50
    assert value(found, "account_cap_used_dollars", period="day") == 41.8
    assert value(found, "account_cap_end_timestamp_seconds", period="day") == NOW + 3600
    assert value(found, "account_readable", ledger="a1b2c3d4e5f60718") == 1
    assert value(found, "account_readable", ledger="00000000deadbeef") == 0
    spring, autumn = {"job": "spring", **of_account}, {"job": "autumn", **of_account}
    assert value(found, "run_alive", **spring) == 1
    assert value(found, "run_alive", **autumn) == 0
    assert value(found, "run_in_flight_requests", **spring) == 3
    assert value(found, "run_held_dollars", **spring) == 2.85
    assert value(found, "job_spent_dollars", **spring) == 41.8
    assert value(found, "job_at_risk_dollars", **autumn) == 3.8
    assert value(found, "run_paused", reason="outage", **spring) == 1
    assert value(found, "run_paused", reason="window", **spring) == 0
    assert value(found, "run_paused", reason="outage", **autumn) == 0
    assert value(found, "job_tasks", job="spring", status="succeeded") == 44
    assert value(found, "job_tasks", job="spring", status="in_doubt") == 2
    assert value(found, "look_timestamp_seconds") == NOW


def test_what_a_job_has_spent_stays_when_its_run_has_ended() -> None:
    found = samples(account(ended=(ended(),)))
    assert value(found, "job_spent_dollars", job="winter", account="acme") == 41.8
    assert value(found, "job_tasks", job="winter", status="succeeded") == 9
    assert not [name for name, _ in found if name.startswith("pipeline_run_")]


def test_names_of_metrics_follow_the_conventions() -> None:
    found = samples(account(run(), caps=(CAP,)))
    for name, _ in found:
        assert re.fullmatch(r"pipeline_[a-z_]+", name)
        assert not name.endswith(("_total", "_count", "_bucket")), "those are counters"


def test_two_jobs_of_one_name_and_two_accounts_of_one_name_have_series_of_their_own() -> None:
    twins = run(output="/a", spent=Decimal(1)), run(output="/b", spent=Decimal(2))
    found = samples(account(*twins), account(run(output="/c"), ledger="ffff", balance=Decimal(7)))
    assert value(found, "job_spent_dollars", output="/a") == 1
    assert value(found, "job_spent_dollars", output="/b") == 2
    assert value(found, "account_balance_dollars", ledger="ffff") == 7


def test_caps_of_two_time_zones_have_series_of_their_own() -> None:
    found = samples(account(run(), caps=(CAP, CAP._replace(zone="UTC", used=Decimal(3)))))
    assert value(found, "account_cap_used_dollars", period="day", zone="UTC") == 3
    assert value(found, "account_cap_used_dollars", period="day", zone="Europe/London") == 41.8


def test_the_tasks_of_a_directory_that_two_accounts_know_are_counted_once() -> None:
    old = dead(output="/a", at=NOW - 90, tasks=Counts(9, 1))
    new = run("autumn", output="/a", at=NOW, tasks=Counts(9, 5))
    found = samples(account(new), account(old, ledger="ffff"))
    assert value(found, "job_tasks", output="/a", status="succeeded") == 5


def test_labels_of_hostile_names_are_escaped_bounded_and_stay_different() -> None:
    long = ["x" * 5000 + end for end in ("a", "b")]
    runs = [run(name, output=f"/{name}") for name in (HOSTILE, *long)]
    found = samples(account(*runs, name=HOSTILE))
    alive = [dict(labels) for name, labels in found if name == "pipeline_run_alive"]
    assert len(alive) == len({labels["output"] for labels in alive}) == 3
    for labels in alive:
        assert all(len(text) <= 250 and text.isprintable() for text in labels.values())
