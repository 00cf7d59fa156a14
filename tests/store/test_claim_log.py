"""The log of claims: torn, damaged, forged, full disks, removed and rewritten."""

import errno
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from support.claims import claim_file, log_of, open_claims, open_log

from pipeline.api.outcome import Outcome
from pipeline.common.boot import boot_id
from pipeline.errors import DirectoryError
from pipeline.ledger.formats import FORMAT
from pipeline.models import Claim, Completion, Handle, part_of, task_key
from pipeline.store.claim_lines import leftovers
from pipeline.store.claim_log import ClaimLog, Noting
from pipeline.store.claims import Leftover
from pipeline.store.layout import Layout

AT, LATER = "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:09.500Z"
OTHER_BOOT = b"0" * 36


def claim_of(task: str, **more: object) -> Claim:
    fields = {
        "task": task, "fingerprint": "f", "model": "m", "params": {"prompt": task}, "meta": {},
        "price": Decimal("0.95"), "attempt": 1, "output": task, "started_at": AT,
        "boot_id": boot_id(),
    }  # fmt: skip
    return Claim(**{**fields, **more})  # type: ignore[arg-type]


def attempt_of(task: str, number: int = 1) -> str:
    return f"{task_key(task)}.abcdef.{number}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".inflight").mkdir()
    return tmp_path


def claim(log: ClaimLog, *tasks: str) -> None:
    log.commit({attempt_of(task): claim_of(task) for task in tasks})


def send(log: ClaimLog, task: str) -> Noting:
    noting = Noting(log, attempt_of(task), lambda _: None, LATER)
    noting.sending()
    return noting


def complete(task: str) -> Claim:
    done = Completion(
        output=f"{task}.mp4", bytes=6, sha256="0" * 64, content_type="video/mp4", http_status=200,
        cost=Decimal("0.95"), remaining_credits=None, request_id="r", finished_at=LATER,
        duration_s=1.0, simulated=False,
    )  # fmt: skip
    return claim_of(task, completion=done, sent=True, started_at=LATER)


def left_in(folder: Path) -> dict[str, Leftover]:
    found = list(leftovers(folder / ".inflight"))
    by_task = {left.claim.task: left for left in found if left.claim is not None}
    return dict(sorted(by_task.items()))


# -- a run's way ------------------------------------------------------------------------------


def test_what_became_of_each_claim_is_read_while_the_run_goes_on(folder: Path) -> None:
    with open_log(folder) as log:
        claim(log, "a", "b", "c", "d", "e")
        send(log, "b")
        send(log, "c").answered(Outcome(took=1, status=200, cost=Decimal(1)), 7)
        handle = Handle(id="r1")
        log.commit({attempt_of("d"): claim_of("d", handle=handle, sent=True)})
        log.close_claims(attempt_of("e"))
        found = left_in(folder)
    assert list(found) == ["a", "b", "c", "d"]
    assert [left.never_sent for left in found.values()] == [True, False, False, False]
    assert [left.answered for left in found.values()] == [False, False, True, False]
    assert [left.accepted for left in found.values()] == [False, False, False, True]
    assert found["c"].expected is not None
    assert found["c"].expected.length == 7
    assert found["b"].claim is not None
    assert found["b"].claim.started_at == LATER
    assert found["b"].claim.part == part_of(attempt_of("b"))


def test_a_log_in_which_nothing_is_open_is_removed(folder: Path) -> None:
    with open_log(folder) as log:
        claim(log, "a", "b")
        log.close_claims(attempt_of("a"), attempt_of("b"))
        assert log_of(folder).exists()
    assert list((folder / ".inflight").iterdir()) == []


def test_a_log_that_has_grown_is_written_anew_with_what_is_open(folder: Path) -> None:
    with open_log(folder) as log:
        claim(log, "kept")
        send(log, "kept")
        sizes = []
        for number in range(40):
            name = f"t{number}"
            log.commit({attempt_of(name): claim_of(name, meta={"x": "y" * 300_000})})
            log.close_claims(attempt_of(name))
            sizes.append(log_of(folder).stat().st_size)
        assert max(sizes) < 6 * 1024**2
        found = left_in(folder)
    assert list(found) == ["kept"]
    assert not found["kept"].never_sent


def test_what_a_commit_takes_does_not_grow_with_what_is_open(folder: Path) -> None:
    """Ten thousand in flight are more than 4 MiB of open claims, for as long as a run lasts."""
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    with open_log(folder) as log:
        many = (f"t{number}" for number in range(2000))
        log.commit({attempt_of(name): claim_of(name, meta={"x": "y" * 3000}) for name in many})
        sys.setprofile(count)
        try:
            for number in range(20):
                claim(log, f"one {number}")
        finally:
            sys.setprofile(None)
    assert steps < 20 * 2000


def test_marks_that_come_while_the_log_is_written_anew_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop appends them while another thread waits for the disk."""
    marked = []

    def fsync(_: int) -> None:
        marked.append(send(log, "sent"))
        log.close_claims(attempt_of("done"))

    log = ClaimLog(folder / ".inflight", fsync=True, sync_names=lambda _: None)
    claim(log, "sent", "done")
    log.commit({attempt_of("large"): claim_of("large", meta={"x": "y" * 5_000_000})})
    log.close_claims(attempt_of("large"))
    before = log_of(folder).stat().st_ino
    monkeypatch.setattr(os, "fsync", fsync)
    claim(log, "next")
    monkeypatch.undo()
    assert len(marked) == 1
    assert log_of(folder).stat().st_ino != before
    found = left_in(folder)
    log.close()
    assert {task: left.never_sent for task, left in found.items()} == {"sent": False, "next": True}


def test_a_claim_is_there_also_in_the_moment_in_which_the_log_is_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop asks: without a claim it would record what came as lost."""
    there = []
    asking = threading.Thread(target=lambda: there.append(attempt_of("paid") in log))
    replace = os.replace

    def ask_and_replace(old: str, new: str) -> None:
        replace(old, new)
        asking.start()
        asking.join(0.1)  # it need not wait, if it has its answer

    with open_log(folder) as log:
        claim(log, "paid")
        log_of(folder).unlink()
        monkeypatch.setattr(os, "replace", ask_and_replace)
        claim(log, "next")
        asking.join(10)
    assert there == [True]


# -- torn -------------------------------------------------------------------------------------


def realistic(folder: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Write a log as a run does; yield its length after each step, and what is true then."""
    state: dict[str, str] = {}
    with open_log(folder) as log:

        def step(task: str, word: str) -> tuple[int, dict[str, str]]:
            state[task] = word
            return log_of(folder).stat().st_size, dict(state)

        claim(log, "a", "b", "c")
        state |= dict.fromkeys("abc", "claimed")
        yield step("a", "claimed")
        for task in "abc":
            noting = send(log, task)
            yield step(task, "sent")
        noting.answered(Outcome(took=1, status=200), 6)
        yield step("c", "sent")
        log.commit({attempt_of("a"): claim_of("a", handle=Handle(id="r"), sent=True)})
        yield step("a", "accepted")
        log.commit({attempt_of("b"): complete("b")})
        yield step("b", "complete")
        log.close_claims(attempt_of("b"))
        yield step("b", "closed")
        claim(log, "d")
        yield step("d", "claimed")


@pytest.mark.variant
@pytest.mark.parametrize("boot", ["this", "another"])
def test_a_log_torn_at_any_byte_loses_nothing_that_was_true_before(folder: Path, boot: str) -> None:
    """At a kill what a step has written is there; after a power loss marks prove nothing."""
    steps = list(realistic(folder))
    log = log_of(folder)
    whole = log.read_bytes()
    if boot == "another":
        whole = whole.replace((boot_id() or "").encode(), OTHER_BOOT)
    for end in range(len(whole) + 1):
        log.write_bytes(whole[:end])
        true = next((said for size, said in reversed(steps) if size <= end), {})
        found = left_in(folder)
        for task, word in true.items():
            if word == "closed":
                assert task not in found or found[task].answered
                continue
            if (left := found.get(task)) is None:  # its end lacks but the end of its line
                assert whole[:end].endswith(b'"closed":true}')
                continue
            assert left.accepted or word != "accepted"
            assert left.answered or word != "complete"
            if boot == "another" or word != "claimed":
                assert not left.never_sent
        for task in found.keys() - true.keys():  # written, and not yet confirmed
            assert found[task].never_sent or boot == "another"


def test_a_line_that_lacks_but_its_end_counts_and_gets_one(folder: Path) -> None:
    with open_log(folder) as log:
        claim(log, "a", "b")
    path = log_of(folder)
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    with open_log(folder) as log:
        claim(log, "c")
    assert list(left_in(folder)) == ["a", "b", "c"]


@pytest.mark.parametrize("tail", [b"\0" * 5000, b'{"attempt":"x' + b"\0" * 900 + b"\n", b"{", b"x"])
def test_a_tail_that_was_not_written_costs_no_more_than_itself(folder: Path, tail: bytes) -> None:
    with open_log(folder) as log:
        claim(log, "a")
    with log_of(folder).open("ab") as file:
        file.write(tail)
    assert list(left_in(folder)) == ["a"]
    with open_log(folder) as log:  # nothing is appended to it
        claim(log, "b")
    assert list(left_in(folder)) == ["a", "b"]
    assert b"\0" not in log_of(folder).read_bytes()


def test_a_block_that_a_power_loss_left_out_of_an_unsynced_commit_is_no_damage(
    folder: Path,
) -> None:
    with open_log(folder) as log:
        claim(log, "a")
        claim(log, "b", "c")
    path = log_of(folder)
    text = path.read_bytes().replace((boot_id() or "").encode(), OTHER_BOOT)
    begins = text.rindex(b'{"attempt":"' + attempt_of("b").encode())
    hole = text[:begins] + b"\0" * 60 + text[begins + 60 :]
    path.write_bytes(hole)
    assert list(left_in(folder)) == ["a", "c"]
    # What was synced before is never without its bytes: that is a broken disk.
    path.write_bytes(hole + b'{"synced":%d}\n' % len(hole))
    with pytest.raises(DirectoryError, match=r"claims\.json:5 is damaged"):
        left_in(folder)
    # Nor does a kill leave a hole.
    path.write_bytes(hole.replace(OTHER_BOOT, (boot_id() or "").encode()))
    with pytest.raises(DirectoryError, match=r"claims\.json:5 is damaged"):
        left_in(folder)


# -- damaged and forged -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"garbage\n",
        b"{}\n",
        b"\n",
        b'{"attempt":"%b","sent":"2026"}\n' % attempt_of("never opened").encode(),
        b'{"attempt":"%b","claim":{"task":"a"}}\n' % attempt_of("a").encode(),
        b'{"attempt":"%b","claim":null}\n' % attempt_of("a").encode(),
        b'{"attempt":"%b","sent":"a\\nb"}\n' % attempt_of("a").encode(),
        b'{"attempt":5}\n',
    ],
)
def test_a_line_that_is_none_of_ours_is_refused_by_its_number(folder: Path, line: bytes) -> None:
    with open_log(folder) as log:
        claim(log, "a")
    path = log_of(folder)
    whole = path.read_bytes()
    for text in (whole + line, whole + line + b'{"synced":1}\n'):
        path.write_bytes(text)
        with pytest.raises(DirectoryError, match=r"claims\.json:[34] "):
            list(leftovers(folder / ".inflight"))
        assert path.read_bytes() == text


@pytest.mark.parametrize(
    ("attempt", "changes"),
    [
        (attempt_of("a"), {"output": "../../secret"}),
        (attempt_of("a"), {"part": "b.part"}),
        (attempt_of("a"), {"price": -1}),
        (attempt_of("a"), {"price": "NaN"}),
        (attempt_of("b"), {}),
        (f"{task_key('a')}/../../x", {"part": ""}),
        (f"{task_key('a')}." + "x" * 300, {"part": ""}),
    ],
)
def test_a_forged_claim_is_refused_by_its_number(
    folder: Path, attempt: str, changes: dict[str, object]
) -> None:
    with open_log(folder) as log:
        claim(log, "a")
    path = log_of(folder)
    lines = path.read_bytes().splitlines()
    line = msgspec.json.decode(lines[-1])
    line = {"attempt": attempt, "claim": line["claim"] | {"part": part_of(attempt)} | changes}
    path.write_bytes(b"\n".join([*lines[:-1], msgspec.json.encode(line), b""]))
    with pytest.raises(DirectoryError, match=r"claims\.json:3 was not written by pipeline"):
        list(leftovers(folder / ".inflight"))


def test_a_claim_that_nests_without_end_is_refused(folder: Path) -> None:
    with open_log(folder) as log:
        claim(log, "a")
    path = log_of(folder)
    deep = b'"meta":' + b'{"x":' * 5000 + b"1" + b"}" * 5000
    path.write_bytes(path.read_bytes().replace(b'"meta":{}', deep))
    with pytest.raises(DirectoryError, match=r"claims\.json:3 "):
        list(leftovers(folder / ".inflight"))


@pytest.mark.parametrize("text", [b"1. Buy milk\n", b'{"a":1}\n', b"[]", b"\xff\xfe"])
def test_somebody_s_file_under_the_log_s_name_is_refused_and_stays(
    folder: Path, text: bytes
) -> None:
    log_of(folder).write_bytes(text)
    with pytest.raises(DirectoryError, match="was not written by pipeline"):
        list(leftovers(folder / ".inflight"))
    assert log_of(folder).read_bytes() == text


def test_a_log_behind_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    with open_log(folder) as log:
        claim(log, "a")
    theirs = log_of(folder).rename(tmp_path / "theirs")
    log_of(folder).symlink_to(theirs)
    with pytest.raises(DirectoryError, match="link") as refused:
        list(leftovers(folder / ".inflight"))
    # Whoever moved it away, as one does with other files, would pay again for what it names.
    assert "put the file itself in its place" in (refused.value.hint or "")


def test_a_log_of_a_newer_version_is_refused_and_says_so(folder: Path) -> None:
    log_of(folder).write_bytes(b'{"format":%d,"program":"9.1"}\n{"new":1}\n' % (FORMAT + 1))
    with pytest.raises(DirectoryError, match=r"written by pipeline 9\.1, in format"):
        list(leftovers(folder / ".inflight"))


def test_versions_that_look_for_claim_files_find_a_newer_format_in_the_first_line(
    folder: Path,
) -> None:
    """They read the first line of each `*.json`: what a run has paid for is not overlooked."""
    with open_log(folder) as log:
        claim(log, "a")
    (found,) = (folder / ".inflight").glob("*.json")
    first = msgspec.json.decode(found.read_bytes().splitlines()[0])
    assert first["format"] == FORMAT > 3


# -- disks ------------------------------------------------------------------------------------


Patch = Callable[[str, Callable[..., object]], None]


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Patch:
    return lambda name, call: monkeypatch.setattr(os, name, call)


def full(file: int, data: bytes) -> int:
    """Write the half that there is room for, and then nothing."""
    if len(data) > 1:
        return REAL_WRITE(file, bytes(data)[: len(data) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


REAL_WRITE, REAL_TRUNCATE = os.write, os.ftruncate


@pytest.mark.parametrize("truncates", [True, False])
def test_after_a_full_disk_no_line_is_glued_to_a_torn_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, truncates: bool
) -> None:
    def refuse(_file: int, _size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with open_log(folder) as log:
        claim(log, "a", "b")
        send(log, "a")
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            if not truncates:
                patch.setattr(os, "ftruncate", refuse)
            with pytest.raises(OSError, match="No space"):
                claim(log, "c")
        if truncates:
            send(log, "b")
        else:  # it cannot be noted: then nothing leaves
            with pytest.raises(OSError, match="not there"):
                send(log, "b")
        assert attempt_of("c") not in log
        claim(log, "d")
        send(log, "d")
        found = left_in(folder)
    assert {task: left.never_sent for task, left in found.items()} == {
        "a": False, "b": not truncates, "d": False
    }  # fmt: skip


def test_a_mark_that_finds_no_room_is_no_mark_and_nothing_leaves(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[OSError] = []
    with open_log(folder) as log:
        claim(log, "a")
        noting = Noting(log, attempt_of("a"), failed.append, LATER)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(OSError, match="No space"):
                noting.sending()
            log.close_claims(attempt_of("a"))  # nor is there room for its end
        assert (len(failed), noting.sent) == (1, False)
        claim(log, "b")
        log.close_claims(attempt_of("b"))
        assert left_in(folder) == {}


def test_a_sync_that_failed_is_not_built_upon(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system tells it once, and may have lost what was written."""

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    log = ClaimLog(folder / ".inflight", fsync=True, sync_names=lambda _: None)
    claim(log, "a")
    before = log_of(folder).stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(OSError, match="Input/output"):
            claim(log, "b")
    assert attempt_of("b") not in log
    claim(log, "c")
    assert log_of(folder).stat().st_ino != before
    assert list(left_in(folder)) == ["a", "c"]
    log.close()


def test_a_completion_that_cannot_be_written_leaves_the_claim_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_log(folder) as log:
        claim(log, "a")
        send(log, "a")
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(OSError, match="No space"):
                log.commit({attempt_of("a"): complete("a")})
        assert attempt_of("a") in log
        assert not left_in(folder)["a"].answered
        claim(log, "b")
        assert not left_in(folder)["a"].never_sent


@pytest.mark.parametrize("how", ["removed", "replaced", "folder"])
def test_a_log_that_somebody_removed_is_put_back_before_anything_more_is_sent(
    folder: Path, how: str
) -> None:
    with open_log(folder) as log:
        claim(log, "a", "b")
        send(log, "a")
        if how == "folder":
            shutil.rmtree(folder / ".inflight")
        else:
            log_of(folder).unlink()
        if how == "replaced":
            log_of(folder).write_text("mine")
        assert attempt_of("a") not in log
        with pytest.raises(OSError, match="not there"):
            send(log, "b")
        if how == "folder":
            with pytest.raises(FileNotFoundError):
                claim(log, "c")
            return
        claim(log, "c")
        assert attempt_of("a") in log
        found = left_in(folder)
    assert {task: left.never_sent for task, left in found.items()} == {
        "a": False, "b": True, "c": True
    }  # fmt: skip


# -- files of versions before -----------------------------------------------------------------


def test_claim_files_of_a_version_before_are_found_beside_the_log(folder: Path) -> None:
    layout = Layout(folder)
    claim_file(layout, task_key("old")).write_bytes(msgspec.json.encode(claim_of("old", sent=True)))
    with open_log(folder) as log:
        claim(log, "a")
    assert set(left_in(folder)) == {"old", "a"}
    with open_log(folder) as log:
        accepted = claim_of("old", sent=True, handle=Handle(id="r"))
        log.commit({task_key("old"): accepted})
        assert left_in(folder)["old"].accepted, "the log knows more than the file"
        log.close_claims(task_key("old"))
        assert not claim_file(layout, task_key("old")).exists()
    assert list(open_claims(folder)) == [attempt_of("a")]
