"""The manifest on disk: torn ends, replay, appends that fail."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.helpers import environment

from pipeline.errors import DirectoryError
from pipeline.ledger.doubts import attempt_digest
from pipeline.ledger.formats import FORMAT
from pipeline.ledger.history import TaskState
from pipeline.ledger.manifest import Lines, encode, last_records, read, replay
from pipeline.ledger.writing import Manifest
from pipeline.models import CORRECTION, Record, Status, Task, fingerprint

MODEL = "luma-txt-2-video"


def record(task: str = "a", status: Status = Status.SUCCEEDED, **more: Any) -> Record:
    params = more.pop("params", {"prompt": task})
    return Record(
        task=task, status=status, model=MODEL, params=params,
        fingerprint=fingerprint(MODEL, params), **more,
    )  # fmt: skip


def task_of(record: Record) -> Task:
    return Task(
        id=record.task, model=MODEL, params=record.params, fingerprint=record.fingerprint,
        output=record.task,
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.jsonl"


def append(path: Path, *records: Record) -> None:
    manifest = Manifest(path)
    manifest.append(list(records))
    manifest.close()


A, B, C = record("a"), record("b"), record("c", meta={"text": "ü" * 40})


# -- records and lines ------------------------------------------------------------------------


def test_what_is_appended_is_what_is_read(path: Path) -> None:
    append(path, A, B)
    append(path, C)
    assert list(read(path)) == [A, B, C]


def test_a_record_without_values_says_null_and_money_is_numbers(path: Path) -> None:
    append(path, record(cost=Decimal("0.95"), at_risk=Decimal(0)))
    told = json.loads(path.read_bytes())
    assert told["cost"] == 0.95
    assert told["at_risk"] == 0
    assert told["remaining_credits"] is None
    assert set(told) == {*Record.__struct_fields__, "format"}


def test_the_first_record_of_a_run_says_the_format(path: Path) -> None:
    append(path, A, B)
    append(path, C)
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert [line.get("format") for line in lines] == [FORMAT, None, FORMAT]


def test_an_append_says_where_each_line_begins(path: Path) -> None:
    manifest = Manifest(path)
    assert manifest.append([A]) + manifest.append([B, C]) == [offset for offset, _ in Lines(path)]
    manifest.close()


def test_no_manifest_is_an_empty_history(path: Path) -> None:
    history = replay(path)
    assert len(history) == 0
    assert history.spent == history.at_risk == 0
    assert history.state_of(task_of(A)) is TaskState.NEW


def test_a_directory_in_place_of_the_manifest_is_said_plainly(path: Path) -> None:
    path.mkdir()
    with pytest.raises(DirectoryError):
        replay(path)


# -- torn ends --------------------------------------------------------------------------------


def torn_ends() -> list[Any]:
    line = encode(C)
    return [
        pytest.param(line[:cut], id=f"the first {cut} bytes") for cut in (1, 2, 40, len(line) - 2)
    ] + [
        pytest.param(line[: line.index("ü".encode()) + 1], id="half a character"),
        pytest.param(b"\0" * 100, id="NULs"),
        pytest.param(line[:30] + b"\0" * 100, id="text and NULs"),
        pytest.param(b"\0" * 5000 + b"\n", id="NULs and a line end"),
        pytest.param(b"\0" * 90 + line[90:], id="the end of a line whose beginning is lost"),
        pytest.param(b"\0" * 90 + line[90:] + b"\0" * 50 + b"\n", id="two lost beginnings"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(b"{}", id="an object that is no record"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
    ]


@pytest.mark.parametrize("torn", torn_ends())
def test_a_torn_end_is_cut_off_and_costs_no_other_record(path: Path, torn: bytes) -> None:
    append(path, A, B)
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert list(read(path)) == [A, B]  # already before it is mended
    append(path, C)
    assert path.read_bytes() == whole + encode(C, first=True)


@given(cut=st.integers(0, 3000), junk=st.binary(max_size=50))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_wherever_a_batch_is_cut_its_whole_lines_stay(path: Path, cut: int, junk: bytes) -> None:
    batch = b"".join(map(encode, (A, B, C)))
    cut %= len(batch) + 1
    path.write_bytes(batch[:cut] + (b"\0" + junk.replace(b"\n", b"") if junk else b""))
    append(path, C)
    whole = batch[:cut].count(b"\n")
    if not junk and cut in {len(encode(A)) - 1, len(encode(A) + encode(B)) - 1, len(batch) - 1}:
        whole += 1  # only its line end was missing
    assert list(read(path)) == [*(A, B, C)[:whole], C]


def test_a_whole_last_line_without_its_end_is_kept(path: Path) -> None:
    path.write_bytes(encode(A) + encode(B)[:-1])
    append(path, C)
    assert list(read(path)) == [A, B, C]


def test_a_torn_line_longer_than_a_page_is_cut_off(path: Path) -> None:
    path.write_bytes(encode(A) + b'{"task": "' + b"x" * 200_000)
    append(path, B)
    assert list(read(path)) == [A, B]


def test_an_end_that_was_torn_again_and_again_is_mended_each_time(path: Path) -> None:
    for number in range(5):
        append(path, record(str(number)))
        with path.open("ab") as file:
            file.write(encode(C)[: 10 * number])
    append(path, C)
    assert [r.task for r in read(path)] == ["0", "1", "2", "3", "4", "c"]


@pytest.mark.parametrize(
    "garbage", [b"garbage\n", b"{}\n", b"\0\0\0\n", b"[1]\n", b'{"task": 1}\n', b"\xff\n"]
)
def test_garbage_in_the_middle_is_an_error_that_names_the_line_and_changes_nothing(
    path: Path, garbage: bytes
) -> None:
    path.write_bytes(encode(A) + garbage + encode(B))
    before = path.read_bytes()
    with pytest.raises(DirectoryError, match=r"manifest\.jsonl:2:"):
        Manifest(path)
    with pytest.raises(DirectoryError, match=r"manifest\.jsonl:2:"):
        replay(path)
    with pytest.raises(DirectoryError, match=r"manifest\.jsonl:2:"):
        list(read(path))
    assert path.read_bytes() == before


def test_empty_lines_mean_nothing(path: Path) -> None:
    path.write_bytes(b"\n" + encode(A) + b"\n  \n" + encode(B))
    assert list(read(path)) == [A, B]
    assert len(replay(path)) == 2


# -- replay -----------------------------------------------------------------------------------


def test_the_last_record_says_how_a_task_stands_and_money_counts_them_all(path: Path) -> None:
    append(
        path,
        record("a", Status.IN_DOUBT, at_risk=Decimal("0.95")),
        record("b", cost=Decimal("0.95"), remaining_credits=Decimal(9), bytes=10),
        record("a", cost=Decimal("0.95"), at_risk=Decimal(0), bytes=30),
        record("b", cost=Decimal("1.10"), remaining_credits=Decimal(7), bytes=20),
        record("c", Status.FAILED, cost=Decimal(0)),
        record("d", Status.FAILED, at_risk=Decimal("0.95")),
        record("d", Status.IN_DOUBT, at_risk=Decimal("0.95")),
    )
    history = replay(path)
    assert history.spent == Decimal("3.00")
    assert history.at_risk == Decimal("2.85")
    assert history.remaining == 7
    assert history.largest == 30
    assert history.counts == {Status.SUCCEEDED: 2, Status.FAILED: 1, Status.IN_DOUBT: 1}
    states = [history.state_of(task_of(record(t))) for t in "abcde"]
    assert states == [
        TaskState.DONE, TaskState.DONE, TaskState.FAILED, TaskState.IN_DOUBT, TaskState.NEW
    ]  # fmt: skip
    assert [(r.task, r.cost) for r in last_records(path, history)] == [
        ("a", Decimal("0.95")),
        ("b", Decimal("1.10")),
        ("c", 0),
        ("d", None),
    ]


def test_a_task_with_another_fingerprint_is_changed(path: Path) -> None:
    append(path, A)
    history = replay(path)
    assert history.state_of(task_of(A)) is TaskState.DONE
    assert history.state_of(task_of(record("a", params={"prompt": "x"}))) is TaskState.CHANGED


def test_replaying_is_the_same_as_having_been_there(path: Path) -> None:
    records = [record("a", Status.IN_DOUBT), A, B, record("b", Status.FAILED), C]
    manifest = Manifest(path)
    lived = manifest.history
    for one in records:
        (offset,) = manifest.append([one])
        lived.add(one, offset)
    manifest.close()
    assert replay(path) == lived


def test_a_replay_finds_the_attempts_that_have_a_record(path: Path) -> None:
    append(path, record("a", started_at="2026-01-01T00:00:00.000Z"))
    here = attempt_digest("a", "2026-01-01T00:00:00.000Z")
    others = [attempt_digest("a", "2026-01-01T00:00:00.001Z"), attempt_digest("b", "")]
    assert replay(path, attempts=[here, *others]).attempts == {here}


def test_sums_of_money_are_exact(path: Path) -> None:
    append(path, *(record(str(n), cost=Decimal("0.1")) for n in range(1000)))
    assert replay(path).spent == 100


def test_only_answers_tell_whether_a_directory_is_the_sandbox_s(path: Path) -> None:
    append(path, record("a", simulated=True), record("b", Status.IN_DOUBT))
    assert replay(path).simulated is True


# -- appends that fail ------------------------------------------------------------------------


def test_an_append_that_fails_midway_leaves_no_torn_line(tmp_path: Path) -> None:
    """A file that may not grow: the system writes what fits, and then refuses."""
    path = tmp_path / "manifest.jsonl"
    code = f"""
import resource, signal
from pathlib import Path
from pipeline.models import Record, Status
from pipeline.ledger.writing import Manifest

def record(task):
    return Record(task=task, status=Status.SUCCEEDED, model="m", params={{}}, fingerprint="f" * 64)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
manifest = Manifest(Path({str(path)!r}))
manifest.append([record("a")])
limit = manifest.size + 100
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
for tasks in (["b"], ["c", "d"]):
    try:
        manifest.append([record(task) for task in tasks])
    except OSError as error:
        print(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
manifest.append([record("e")])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["27", "27"]  # EFBIG
    assert [r.task for r in read(path)] == ["a", "e"]


def test_a_full_disk_is_an_error_and_the_manifest_goes_on_when_there_is_room(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Manifest(path)
    manifest.append([A])
    write, room = os.write, 150

    def write_some(file: int, data: Any) -> int:
        nonlocal room
        if room <= 0:
            raise OSError(28, "No space left on device")
        done = write(file, data[:room])
        room -= done
        return done

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some)
        with pytest.raises(OSError, match="No space"):
            manifest.append([B, C])
    assert list(read(path)) == [A]
    manifest.append([C])
    manifest.close()
    assert list(read(path)) == [A, C]


def test_a_write_that_takes_only_a_part_is_gone_on_with(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    append(path, A, B)
    assert list(read(path)) == [A, B]


def test_a_sync_that_fails_takes_the_records_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = Manifest(path)
    manifest.append([A])

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output"):
            manifest.append([B])
    manifest.append([C])
    manifest.close()
    assert list(read(path)) == [A, C]


def test_a_whole_batch_is_made_durable_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    manifest = Manifest(path)
    monkeypatch.setattr(os, "fsync", synced.append)
    manifest.append([A, B, C])
    assert len(synced) == 1
    manifest.close()


def test_a_full_temporary_directory_stops_no_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(path, A, B)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nothing can be written here"))
    manifest = Manifest(path, in_memory=10)
    manifest.append([C])
    manifest.close()
    assert [record.task for record in read(path)] == ["a", "b", "c"]


# -- money ------------------------------------------------------------------------------------


def refund(cost: str, **more: Any) -> Record:
    return record(cost=Decimal(cost), reason=more.pop("reason", CORRECTION), **more)


def test_a_correction_may_take_back_what_was_counted_and_no_more(path: Path) -> None:
    append(path, record(cost=Decimal(2)), refund("-1.05"))
    assert replay(path).spent == Decimal("0.95")
    append(path, refund("-0.96"))
    with pytest.raises(DirectoryError, match=r"manifest.jsonl:3: .* more than was spent"):
        replay(path)


@pytest.mark.parametrize("forged", [{"cost": Decimal(-1)}, {"at_risk": Decimal(-1)}])
def test_a_record_of_a_negative_amount_opens_no_budget(
    path: Path, forged: dict[str, Decimal]
) -> None:
    append(path, record(cost=Decimal(5)), record("b", **forged))
    for look in (lambda: replay(path), lambda: list(read(path))):
        with pytest.raises(DirectoryError, match=r"manifest.jsonl:2: .*amount"):
            look()
