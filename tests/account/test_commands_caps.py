"""What all runs of an account may spend in a day and a month, by the server's count."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.helpers import Workspace, until
from support.several import Jobs, Seen, settled_books

from sandbox.testing import Sandbox

PRICE = Decimal("0.95")
DAY = 86_400


def write(jobs: Jobs, *names: str, **keys: Any) -> None:
    """Write jobs of four tasks: three of them would cost 11.40."""
    more = {"account": {"day": 5}, "concurrency": 4, "timeout": 5, "poll": 0.1}
    jobs.set_env(TZ="UTC")  # whose days are 24 hours long
    jobs.write(*names, **{"tasks": 4, "credits": {"cost": 0.95}, **more, **keys})


def on_day(jobs: Jobs, machine: str, days: int) -> None:
    """Set the clocks of all commands so many days ahead."""
    jobs.set_env(LD_PRELOAD=machine, WALL_OFFSET=str(days * DAY))


def sandbox(**options: Any) -> Sandbox:
    return Sandbox(**{"clips": "tiny", "latency": 0.2, "credits": 1000, **options})


@pytest.mark.variant
@pytest.mark.few(1)
@pytest.mark.parametrize("wire", ["segmind", "segmind-v2"])
def test_three_jobs_stay_below_the_cap_of_a_day_and_continue_on_the_next(
    tmp_path: Path, machine: str, wire: str
) -> None:
    jobs = Jobs(tmp_path)
    write(jobs, provider=wire)
    taken = []
    with sandbox() as api:
        for day in range(3):
            on_day(jobs, machine, day)
            jobs.run(url=api.url)
            taken.append(settled_books(api).taken)
            if day < 2:
                assert 3 in jobs.codes.values(), jobs.said
                stopped = [run.err for run in jobs.runs.values() if run.code == 3]
                assert all("day" in said and "$5.00" in said for said in stopped), jobs.said
        seen = settled_books(api)
    assert taken == [5 * PRICE, 10 * PRICE, 12 * PRICE]
    assert set(jobs.codes.values()) == {0}, jobs.said
    jobs.agree_with(seen)


@pytest.mark.variant
def test_a_cap_holds_for_a_run_that_is_started_again_on_the_same_day(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    write(jobs)
    with sandbox() as api:
        for _ in range(3):
            jobs.run(url=api.url)
        seen = settled_books(api)
    assert seen.taken == 5 * PRICE
    assert 3 in jobs.codes.values(), jobs.said


@pytest.mark.variant
def test_the_least_cap_of_the_runs_applies_to_all(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, 2)
    write(jobs, "a", tasks=30, concurrency=1, account={"day": 100})
    write(jobs, "b", tasks=30, concurrency=1, account={"month": 8})
    with sandbox() as api:
        jobs.start(url=api.url)
        until(lambda: {"a", "b"} <= set(Seen(api.books()).starts))
        jobs.finish("b")
        ended = Seen(api.books())
        jobs.finish("a")
    assert jobs.codes["b"] == 3, jobs.said
    assert "month" in jobs.runs["b"].err
    assert "$8.00" in jobs.runs["b"].err
    assert ended.taken <= 8 + 2 * PRICE  # what `a` alone may spend since


@pytest.mark.variant
def test_what_a_killed_run_had_in_flight_counts_against_the_cap(
    tmp_path: Path, machine: str
) -> None:
    jobs = Jobs(tmp_path)
    write(jobs)
    with sandbox(latency=1.0, history="missing") as api:
        on_day(jobs, machine, 0)
        jobs.start("a", url=api.url)
        until(lambda: api.books()["in_flight"] == 4)
        jobs.kill("a")
        jobs.run("b", "c", url=api.url)
        seen = settled_books(api)
        assert seen.taken == 5 * PRICE, "four of the killed run, and one of the others"
        assert jobs.codes == {"b": 3, "c": 3}, jobs.said
        jobs.run("a", url=api.url)
        assert jobs.codes["a"] == 1, jobs.said
        on_day(jobs, machine, 1)
        jobs.run("b", "c", url=api.url)
        seen = settled_books(api)
    assert seen.taken == 10 * PRICE
    assert jobs.at_risk() == 4 * PRICE
    assert jobs.spent() == seen.taken - jobs.at_risk()


@pytest.mark.variant
def test_what_a_person_says_of_a_killed_run_frees_the_cap_for_the_others(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, count=2)
    write(jobs)
    with sandbox(latency=30, history="missing") as api:
        jobs.start("a", url=api.url)
        until(lambda: api.books()["in_flight"] == 4)
        jobs.kill("a")
        api.change(latency=0.2)
        jobs.run("b", url=api.url)
        assert jobs.codes["b"] == 3, jobs.said
        assert jobs["b"].counts()["succeeded"] == 1
        tasks = [f"t{number:03}" for number in range(4)]
        a = jobs["a"]
        said = a.finish(a.start("--not-billed", *tasks, command="settle"))
        assert said.code == 0, said.err
        jobs.run("b", url=api.url)
    assert jobs.codes["b"] == 0, jobs.said


@pytest.mark.variant
def test_what_a_job_has_spent_with_another_key_counts_for_that_one(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, count=1)
    with sandbox() as api:
        for number, (tasks, name) in enumerate([(4, None), (8, "acme"), (12, None), (13, None)]):
            write(jobs, tasks=tasks, account={"day": 5} | ({"name": name} if name else {}))
            jobs["a"].key = f"sk-{['one', 'two', 'three', 'three'][number]}-0123456789abcdef"
            jobs.run(url=api.url)
            assert jobs.codes["a"] == 0, jobs.said
        write(jobs, tasks=14)
        jobs.run(url=api.url)
        assert settled_books(api).taken == 13 * PRICE
    assert jobs.codes["a"] == 3, jobs.said


@pytest.mark.variant
def test_a_new_name_of_an_account_makes_no_room_in_its_cap(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, count=1)
    with sandbox() as api:
        for tasks, name in [(4, {"name": "old"}), (8, {"name": "new"}), (8, {})]:
            write(jobs, tasks=tasks, account={"day": 5, **name})
            jobs.run(url=api.url)
        assert settled_books(api).taken == 5 * PRICE
    assert jobs.codes["a"] == 3, jobs.said


@pytest.mark.variant
def test_a_job_whose_folder_is_spelled_in_two_ways_counts_once(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path, count=1)
    write(jobs, tasks=3)
    with sandbox() as api:
        jobs.run(url=api.url)
        (tmp_path / "link").symlink_to(tmp_path / "a")
        jobs.all["a"] = Workspace(tmp_path / "link")
        write(jobs, tasks=5)
        jobs.run(url=api.url)
        assert settled_books(api).taken == 5 * PRICE
    assert jobs.codes["a"] == 0, jobs.said


@pytest.mark.variant
def test_a_cap_that_is_nearly_used_up_is_a_warning(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    write(jobs)
    with sandbox() as api:
        jobs.run(url=api.url)
    near = [run.err for run in jobs.runs.values() if "of the $5.00 a day" in run.err]
    assert near, jobs.said
    assert all(said.count("warning: the runs of this account have used") == 1 for said in near)


@pytest.mark.variant
def test_a_lost_ledger_is_made_again_from_the_manifests(tmp_path: Path, state_folder: Path) -> None:
    jobs = Jobs(tmp_path, 2)
    write(jobs, "a")
    write(jobs, "b")
    with sandbox() as api:
        jobs.run("a", url=api.url)
        (account,) = (state_folder / "pipeline" / "accounts").iterdir()
        for path in [path for path in account.rglob("*") if path.is_file()]:
            path.unlink()
        jobs.run("a", url=api.url)  # it says again what it has spent
        jobs.run("b", url=api.url)
        seen = settled_books(api)
    assert seen.taken == 5 * PRICE
    assert jobs.codes == {"a": 0, "b": 3}, jobs.said
