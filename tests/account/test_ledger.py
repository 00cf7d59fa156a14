"""One file for all runs on a key: what one run tells, the others hear."""

import shutil
from decimal import Decimal
from pathlib import Path

from account.ledger_world import PRICE, Clock, Member, members, read

from pipeline.account.ledger import Ledger
from pipeline.account.telling import Lesson, Posting, Terms
from pipeline.money.account import NOTHING, Obstacle, Refusal, Way
from pipeline.money.balance import Moment


def test_a_balance_told_to_one_run_is_known_to_all(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    one.register(), two.register()
    one.tell(*read("10"))
    assert two.tell().balance.least == Decimal(10)


def test_what_another_run_holds_is_not_there_for_this_one(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    one.register(), two.register()
    one.tell(*read("1.50"))
    assert one.starts()
    refusal = two.bid()
    assert isinstance(refusal, Refusal)
    assert refusal.obstacle is Obstacle.CREDITS
    assert two.news.elsewhere.held == PRICE


def test_a_lesson_is_heard_once_by_each_other_run(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    one.register(), two.register()
    lesson = Lesson("report", "luma", PRICE)
    one.tell(lessons=[lesson])
    assert one.tell().lessons == ()
    assert two.tell().lessons == (lesson,)
    assert two.tell().lessons == ()


def test_a_ledger_in_memory_does_the_same_for_one_run(clock: Clock) -> None:
    alone = Member(Ledger.in_memory(wall=clock.wall), clock)
    alone.register(Terms(concurrency=1, day=Decimal(5)))
    assert isinstance(alone.bid(way=Way.ALONE), Moment)
    assert not alone.starts()


def test_runs_without_the_ledger_are_seen_by_those_that_use_it(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    assert not one.register().unseen
    alone = [Member(Ledger.in_memory(folder), clock, job) for job in ("/c", "/d")]
    for each in alone:
        each.register()
    assert two.register().unseen
    assert not one.tell().unseen, "it looks twice a second"
    clock.now += 0.5
    assert one.tell().unseen
    for each in (one, two, alone[0]):
        each.ledger.close()
    for path in folder.iterdir():
        path.unlink()
    (three,) = members(folder, clock, "/e")
    assert three.register().unseen, "one is left, whatever was deleted"
    alone[1].ledger.close()
    (four,) = members(folder, clock, "/f")
    assert not four.register().unseen
    clock.now += 0.5
    assert three.tell().unseen, "what it has observed meanwhile may be theirs"


def test_a_run_without_the_ledger_is_seen_where_its_folder_was_made_again(
    folder: Path, clock: Clock
) -> None:
    (one,) = members(folder, clock, "/a")
    alone = Member(Ledger.in_memory(folder), clock, "/b")
    alone.register()
    one.ledger.close()
    for _ in range(2):
        shutil.rmtree(folder)
        clock.now += 0.5
        alone.tell()
        (two,) = members(folder, clock, "/c")
        assert not two.register().unseen, "nobody can have seen the new folder yet"
        clock.now += 0.5
        alone.tell()
        assert two.tell().unseen
        two.ledger.close()


def test_falls_that_others_may_have_caused_are_told_to_nobody(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    lessons = [Lesson(method, "video", PRICE) for method in ("fell", "stepped", "report")]
    alone = Member(Ledger.in_memory(folder), clock, "/c")
    alone.register()
    one.register()
    one.tell(lessons=lessons)
    alone.ledger.close()
    assert two.register().lessons == (lessons[2],)


def test_a_ledger_in_memory_needs_no_folder(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    for place in (tmp_path / "missing", tmp_path / "file", tmp_path / "link"):
        alone = Member(Ledger.in_memory(place, wall=clock.wall), clock)
        assert not alone.register().unseen
        alone.ledger.close()


def test_a_cap_counts_what_manifests_say_and_what_others_hold(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    quarter = int(clock.wall() // 900)
    one.register(Terms(day=Decimal(3), zone="UTC"), [Posting(quarter, PRICE, Decimal(0))])
    two.register()
    assert two.starts()
    assert one.starts()
    refusal = one.bid()
    assert isinstance(refusal, Refusal)
    assert refusal.obstacle is Obstacle.CAP
    assert "$3.00" in refusal.detail
    assert "2026-05-30 00:00 UTC" in refusal.detail
    (cap,) = one.news.elsewhere.caps
    assert cap.used == 2 * PRICE


def test_who_comes_hears_once_what_the_runs_that_are_there_have_observed(
    folder: Path, clock: Clock
) -> None:
    one, two = members(folder, clock, "/jobs/a", "/jobs/b")
    one.register()
    fell = Lesson("fell", "video", PRICE)
    one.tell(lessons=[fell])
    assert two.register().lessons == (fell,)
    assert two.tell().lessons == ()
    for each in (one, two):
        each.ledger.leave(NOTHING, now=clock.now)
    (three,) = members(folder, clock, "/jobs/c")
    assert three.register().lessons == ()


def test_a_dead_run_whose_folder_cannot_be_looked_at_stays_at_risk_and_spoils_nothing(
    folder: Path, clock: Clock
) -> None:
    unreadable = f"{folder.parents[1]}/{'x' * 300}"  # as one without permission, for anybody
    dead, two = members(folder, clock, unreadable, "/jobs/b")
    dead.register(), two.register()
    assert dead.starts()
    dead.ledger.close()  # as if killed
    clock.now += 1
    assert two.tell().elsewhere.held == PRICE
    assert (two.news.elsewhere.runs, two.news.elsewhere.open) == (0, 0)
