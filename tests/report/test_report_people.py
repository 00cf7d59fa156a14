import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from pipeline.models import Cause, Record, Settled, Status
from pipeline.report import ReportData
from pipeline.report.commands import Commands
from pipeline.report.people import HAPPENED, REMEDIES, words

MakeRecord = Callable[..., Record]
MakeReport = Callable[..., ReportData]
RUN = "pipeline run jobs/spring.yaml"


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_words_that_anybody_understands(cause: Cause) -> None:
    for said in (HAPPENED[cause], REMEDIES[cause]):
        assert said[0].isupper()
        assert said.endswith(".")
        assert not re.search(r"\b(?:API|HTTP|JSON|2xx|4\d\d|5\d\d|body|response)\b", said)


@pytest.mark.parametrize("cause", [*Cause, "a word of a later version", None])
def test_what_failed_says_what_to_do_and_with_which_command(
    a_record: MakeRecord, a_report: MakeReport, cause: str | None
) -> None:
    record = a_record(status=Status.FAILED, reason=cause)
    said = words(record, a_report(record))
    assert said is not None
    assert (said.what, said.todo) == (
        HAPPENED[cause if isinstance(cause, Cause) else Cause.UNKNOWN],
        REMEDIES[cause if isinstance(cause, Cause) else Cause.UNKNOWN],
    )
    assert said.command == f"{RUN} --retry failed"


def test_a_doubt_says_that_it_may_have_been_paid_for_and_how_it_is_settled(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    record = a_record(status=Status.IN_DOUBT, reason=Cause.CUT, at_risk=Decimal("0.95"))
    said = words(
        record, a_report(record, commands=Commands(RUN, settle="pipeline settle jobs/spring.yaml"))
    )
    assert said is not None
    assert said.what == "The answer broke off; you may have paid for it."
    assert (said.command, "free" in said.todo) == ("pipeline settle jobs/spring.yaml", True)
    without = words(record, a_report(record))
    assert without is not None
    assert without.command == f"{RUN} --retry in-doubt"


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        ({"settled": Settled.NOT_BILLED}, RUN),
        ({"settled": Settled.BILLED, "reason": Cause.GONE}, f"{RUN} --retry failed"),
    ],
)
def test_what_a_person_has_settled_is_as_they_said(
    a_record: MakeRecord, a_report: MakeReport, fields: dict[str, object], command: str
) -> None:
    record = a_record(status=Status.FAILED, **fields)
    said = words(record, a_report(record))
    assert said is not None
    assert "charged" in said.what
    assert said.command == command


def test_a_clip_that_is_there_needs_no_words_and_one_that_is_gone_does(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    record = a_record()
    data = a_report(record)
    assert words(record, data) is None
    said = words(record, replace(data, missing=frozenset({"hero"})))
    assert said is not None
    assert said.command == f"{RUN} --retry missing"


def test_what_waits_is_brought_and_what_has_changed_or_left_the_job_is_not_retried(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    record = a_record(status=Status.FAILED, reason=Cause.MODERATION)
    current = {"hero": record.fingerprint}
    waiting = words(record, a_report(record, current=current, accepted=["hero"]))
    saved = words(record, a_report(record, current=current, saved=["hero"]))
    changed = words(record, a_report(record, current={"hero": "another"}))
    former = words(record, a_report(record, current={"other": "f"}))
    assert waiting is not None
    assert saved is not None
    assert changed is not None
    assert former is not None
    assert waiting.command == saved.command == changed.command == RUN
    assert changed.what == former.what == HAPPENED[Cause.MODERATION]
    assert (former.todo, former.command) == ("", None)
