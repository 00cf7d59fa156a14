"""`audit`: the records of jobs against the provider's own list of what it has charged."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.testing import Sandbox
from tests.cli.conftest import KEY, Command, Run

pytestmark = pytest.mark.few(3)

JOB = """\
model: luma-txt-2-video
prompts:
  - {id: one, prompt: a lighthouse}
  - {id: two, prompt: a harbour}
concurrency: 2
retry: {wait: 0.05}
credits: {cost: 0.95}
"""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(latency=0.02, clips="tiny", credits=1000) as served:
        yield served


class Books:
    """A job that was rendered, and the account that paid for it."""

    def __init__(self, folder: Path, box: Sandbox, command: Command) -> None:
        self.job, self.box, self._command = folder / "job.yaml", box, command
        self.env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": box.url}

    def pipeline(self, *arguments: object, env: dict[str, str] | None = None) -> Run:
        return self._command(*arguments, env=self.env if env is None else env)

    def render(self, name: str = "job.yaml", text: str = JOB) -> Path:
        path = self.job.with_name(name)
        path.write_text(text, encoding="utf-8")
        assert self.pipeline("run", path, "--no-report").code in {0, 1}
        return path

    def audit(self, *arguments: object, env: dict[str, str] | None = None) -> Run:
        return self.pipeline("audit", *(arguments or [self.job]), env=env)

    def differences(self, *arguments: object) -> list[dict[str, Any]]:
        done = self.audit(*(arguments or [self.job]), "--json")
        told = json.loads(done.out, parse_float=Decimal)
        assert told["agree"] is (done.code == 0)
        differences: list[dict[str, Any]] = told["differences"]
        return differences


@pytest.fixture
def books(tmp_path: Path, box: Sandbox, pipeline: Command) -> Books:
    made = Books(tmp_path, box, pipeline)
    made.render()
    return made


def test_books_that_agree_end_with_0_and_both_totals(books: Books) -> None:
    done = books.audit()
    assert (done.code, "The books agree." in done.out) == (0, True)
    assert done.out.count("$1.90") == 2
    told = json.loads(books.audit(books.job, "--json").out, parse_float=Decimal)
    assert (told["agree"], told["here"], told["there"]) == (True, Decimal("1.9"), Decimal("1.9"))
    assert (told["jobs"], told["differences"]) == (["job"], [])


@pytest.mark.variant
def test_a_charge_that_was_made_behind_our_back_is_found(books: Books) -> None:
    books.box.change(twins=1)
    (found,) = books.differences()
    assert (found["kind"], found["task"], found["here"]) == ("unknown_here", None, None)
    assert (found["there"], bool(found["request_id"])) == (Decimal("0.95"), True)
    done = books.audit()
    assert done.code == 1
    assert "The books do not agree." in done.out
    (line,) = [line for line in done.out.splitlines() if found["request_id"] in line]
    assert line.endswith("charged there, unknown here")
    assert "$2.85" in done.out


@pytest.mark.variant
def test_a_charge_that_was_recorded_too_high_is_found(tmp_path: Path, pipeline: Command) -> None:
    with Sandbox(latency=0.02, clips="tiny", price_of=["prompt=a harbour:0.80"]) as cheaper:
        books = Books(tmp_path, cheaper, pipeline)
        books.render()
        (found,) = books.differences()
        assert (found["kind"], found["task"]) == ("amount", "two")
        assert (found["here"], found["there"]) == (Decimal("0.95"), Decimal("0.8"))
        (line,) = [line for line in books.audit().out.splitlines() if line.startswith("two")]
        assert line.split("  ")[-1] == "other amounts"
        assert "$0.95" in line
        assert "$0.80" in line


@pytest.mark.variant
def test_a_record_that_the_list_does_not_have_is_found(books: Books) -> None:
    manifest = books.job.parent / "outputs" / "job" / "manifest.jsonl"
    *_, last = manifest.read_text(encoding="utf-8").splitlines()
    record = json.loads(last)
    record |= {"task": "three", "request_id": "never-seen", "params": {"prompt": "a pier"}}
    with manifest.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    (found,) = books.differences()
    assert (found["kind"], found["task"]) == ("unknown_there", "three")
    assert (found["here"], found["there"]) == (Decimal("0.95"), None)


@pytest.mark.variant
def test_what_is_in_doubt_here_and_charged_there_is_a_difference_until_it_is_settled(
    books: Books,
) -> None:
    books.box.change(history="missing")
    books.render(text=JOB.replace("a harbour", '"a port [[fail reset x1]]"'))
    books.box.change(history="json")
    (found,) = books.differences()
    assert (found["kind"], found["task"]) == ("in_doubt", "two")
    assert "settle takes it in" in books.audit().out


@pytest.mark.variant
@pytest.mark.parametrize("history", ["missing", "error", "html", "shape"])
def test_a_list_that_cannot_be_read_is_no_agreement(books: Books, history: str) -> None:
    books.box.change(history=history)
    done = books.audit()
    assert done.code == 1
    assert "cannot be read" in done.err
    assert "agree" not in done.out
    told = json.loads(books.audit(books.job, "--json").out)
    assert (told["agree"], told["readable"], told["here"]) == (False, False, 1.9)


def test_several_jobs_of_one_account_are_compared_together(books: Books) -> None:
    other = books.render("other.yaml", JOB.replace("a lighthouse", "a mill"))
    assert len(books.differences()) == 0  # outside of the time of this job
    assert books.differences(books.job, other) == []
    done = books.audit(books.job, other, books.job)
    assert (done.code, done.out.count("$3.80")) == (0, 2)  # a job that is named twice counts once
    books.box.change(twins=1)
    assert [one["kind"] for one in books.differences(books.job, other)] == ["unknown_here"]


@pytest.mark.variant
def test_since_takes_in_what_was_charged_outside_of_the_time_of_the_job(books: Books) -> None:
    books.render("other.yaml", JOB.replace("a lighthouse", "a mill"))
    assert books.differences() == []
    found = books.differences(books.job, "--since", "2026-01-01")
    assert [one["kind"] for one in found] == ["unknown_here", "unknown_here"]


@pytest.mark.variant
@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "1900-01-01", "9999-01-01", ""])
def test_a_date_that_is_none_is_refused(books: Books, since: str) -> None:
    refused = books.audit(books.job, "--since", since)
    assert (refused.code, "--since" in refused.err) == (2, True)


@pytest.mark.variant
def test_a_job_that_never_ran_agrees_without_asking(books: Books) -> None:
    never = books.job.with_name("never.yaml")
    never.write_text(JOB, encoding="utf-8")
    assert books.audit(never).code == 0
    assert not (never.parent / "outputs" / "never").exists()


@pytest.mark.variant
def test_bad_usage_ends_with_2(books: Books, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "job.yaml").write_text(JOB, encoding="utf-8")
    (other / ".env").write_text("SEGMIND_API_KEY=another-0123456789\n", encoding="utf-8")
    (other / ".env").chmod(0o600)
    url = ["--base-url", books.box.url]
    (tmp_path / ".env").write_text(f"SEGMIND_API_KEY={KEY}\n", encoding="utf-8")
    for arguments, said in (
        ([], "Missing argument"),
        ([tmp_path / "none.yaml"], "none.yaml"),
        ([books.job, other / "job.yaml", "--output", tmp_path], "--output is for one job"),
        ([books.job, other / "job.yaml", *url], "do not use the same account"),
    ):
        refused = books.pipeline("audit", *arguments, env={})
        assert (refused.code, said in refused.err) == (2, True), refused.err
        assert KEY not in refused.err


@pytest.mark.variant
def test_an_audit_changes_nothing(books: Books) -> None:
    folder = books.job.parent / "outputs" / "job"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    books.audit()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert books.box.books()["posts"] == 2
