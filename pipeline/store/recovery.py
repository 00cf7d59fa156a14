"""After a kill: what lies whole on the disk is taken in, and leftover claims become records.

One claim never stops the others: what cannot be taken in is asked for where the provider has given
it an id; else it is in doubt, and what had come of it is kept in `errors/`. Nothing that came is
deleted.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from pipeline.api.extent import End, extent
from pipeline.api.media import beginning, recognise
from pipeline.api.outcome import Body, Fault, Outcome
from pipeline.common.extensions import with_ending
from pipeline.common.files import open_file
from pipeline.errors import BucketError, DirectoryError, PipelineError
from pipeline.ledger import records
from pipeline.ledger.history import History
from pipeline.ledger.manifest import open_doubts
from pipeline.models import Claim, Completion, CostSource, Record, part_of, rfc3339, task_key
from pipeline.store.arrivals import ENDING
from pipeline.store.batch import CommitRequest
from pipeline.store.bringing import bring_now
from pipeline.store.claims import Head, Leftover
from pipeline.store.commit import Store
from pipeline.store.outstanding import attempt_of, doubt, is_recorded, reclaimed
from pipeline.store.shelf import is_whole

_PARTIAL = 206
_ENDED = "the run was killed before the answer was saved"


Names = Callable[[Collection[str]], dict[str, str]]
"""Finds the names of the outputs of some tasks, without extension."""


def recover(store: Store, names: Names = lambda _: {}) -> list[Record]:
    """Take in what an earlier run left and lies whole; returns the records.

    What cannot be taken in stays where it is, in `store.accepted` and `store.doubtful`. `names`
    finds what the outputs of late answers are called.

    Raises:
        StorageError: a record cannot be written.
    """
    for draft in store.layout.inflight.glob("*.new"):
        if not draft.match(f"*{ENDING}.new"):  # a worker that lives on may be writing it
            draft.unlink()
    recovered = [*_recover_all(store), *_take_in_late(store, names)]
    doubtful = {part_of(each.attempt) for each in store.doubtful}
    left = doubtful.union(part_of(each.attempt) for each in store.accepted)
    for part in store.shelf.parts():
        if part not in left:
            brought = store.shelf.arrivals().found(part)
            kept = _put_away(store, part, part.removesuffix(".part"))
            if brought and kept:
                store.warn(f"an answer came that no task waits for any more: it is kept in {kept}")
    for arrived in store.layout.inflight.glob(f"*{ENDING}*"):
        if part_of(arrived.name.partition(ENDING)[0]) not in doubtful:
            arrived.unlink()
    return recovered


def waits_for_worker(store: Store, left: Leftover) -> bool:
    """Return whether a worker on another machine may yet bring home what comes of a claim."""
    claim = left.claim
    if claim is None or claim.worker is None or left.accepted or left.answered:
        return False
    return (
        not is_recorded(left, store.history)
        and store.shelf.arrivals().found(part_of(left.attempt)) is None
    )


def record_doubts(store: Store) -> list[Record]:
    """Record what is `store.doubtful` as in doubt, and keep what had come of it in `errors/`.

    Raises:
        StorageError: a record cannot be written.
    """
    recorded = [_record_doubt(store, left) for left in store.doubtful]
    store.doubtful = []
    return recorded


def _recover_all(store: Store) -> Iterator[Record]:
    followed: set[bytes] = set()
    for each in store.leftovers:
        left = _hear(store, each)
        claim = left.claim
        if claim is None or left.never_sent:
            store.drop(left.attempt)
        elif is_recorded(left, store.history) or attempt_of(claim) in followed:
            store.remove_claim(left.attempt)
        else:
            claim = _as_counted(claim, store.history)
            taken, why = _try_taking_in(store, left, claim)
            if taken is not None:
                yield taken
            elif left.accepted:
                followed.add(attempt_of(claim))
                # It is fetched again: what was complete is not there any more.
                claim = replace(claim, completion=None)
                store.accepted.append(replace(left, claim=claim))
            else:
                store.doubtful.append(replace(left, claim=claim, why=why))


def _take_in_late(store: Store, names: Names) -> Iterator[Record]:
    """Take in what workers brought home after their attempts had been recorded as in doubt."""
    found = store.shelf.arrivals().found
    attempts = [part.removesuffix(".part") for part in store.shelf.parts()]
    whole = [
        _with_answer(Leftover(each), outcome)
        for each in attempts
        if not store.has_claim(each) and (outcome := found(part_of(each))) and outcome.body
    ]
    if not whole:
        return
    open_ones = list(open_doubts(store.layout.manifest, store.history))
    called = names({record.task for record in open_ones})
    for left in whole:
        # Its part is named by its task; of several attempts of one, the first is as good as any.
        key = left.attempt.partition(".")[0]
        of_task = (record for record in open_ones if task_key(record.task) == key)
        record = next(filter(store.takes_in, of_task), None)
        if record is None:
            continue
        claim = reclaimed(record, None, called.get(record.task) or key, None)
        taken, why = _try_taking_in(store, replace(left, claim=claim), claim)
        if taken is None:
            store.warn(f"{record.task}: its answer came late, and cannot be placed: {why}")
        else:
            open_ones.remove(record)
            yield taken


def _hear(store: Store, left: Leftover) -> Leftover:
    """Add to a claim what a worker on another machine has brought home of its attempt."""
    claim = left.claim
    if claim is None or claim.completion is not None or left.accepted:
        return left
    outcome = store.shelf.arrivals().found(part_of(left.attempt))
    if outcome is None:
        return left
    if outcome.fault is Fault.NOT_SENT:
        return replace(left, claim=None)
    if outcome.accepted is not None:
        claim = replace(claim, handle=outcome.accepted, sent=True)
        store.accept_now(left.attempt, claim)
        return replace(left, claim=claim)
    return _with_answer(left, outcome)


def _with_answer(left: Leftover, outcome: Outcome) -> Leftover:
    left = replace(left, ended=left.ended or outcome.status is not None, outcome=outcome)
    if outcome.body is None:
        return left
    return replace(left, head=_head(outcome, outcome.body), sha256=outcome.body.sha256)


def _head(outcome: Outcome, body: Body) -> Head:
    return Head(
        length=body.size,
        status=outcome.status or 0,
        content_type=outcome.content_type,
        cost=outcome.cost,
        remaining_credits=outcome.remaining,
        request_id=outcome.request_id,
        simulated=outcome.simulated,
    )


def _as_counted(claim: Claim, history: History) -> Claim:
    """Take from the manifest what the doubt of a claim counts: its record must take back that."""
    attempt = attempt_of(claim)
    if not claim.doubted:
        return claim
    if attempt in history.open_doubts:
        return replace(claim, at_risk=history.open_doubts[attempt])
    return replace(claim, doubted=False, at_risk=None)  # its record was lost


def _try_taking_in(store: Store, left: Leftover, claim: Claim) -> tuple[Record | None, str]:
    """Take a whole clip in; returns its record, or None and why it could not be placed."""
    try:
        return _take_in(store, left, claim), ""
    except BucketError:
        raise  # it lies here whole, and is none of the doubts
    except (OSError, PipelineError) as error:
        return None, str(error)


def _record_doubt(store: Store, left: Leftover) -> Record:
    claim, why = left.claim, ""
    assert claim is not None
    if left.why:
        why = f", and what arrived cannot be placed: {left.why}"
        store.warn(
            f"{claim.task} is in doubt: what a killed run left of it cannot be placed: {left.why}"
        )
    kept = _put_away(store, part_of(left.attempt), f"{claim.output}-{left.attempt[:8]}")
    if kept:
        why += f" (what had arrived is kept in {kept})"
    known = _balance(store, claim.completion.remaining_credits if claim.completion else None)
    record = doubt(left, f"{_ENDED}{why}", known)
    store.shelf.arrivals().forget([part_of(left.attempt)])
    return store.carry_out_now(CommitRequest(left.attempt, record=record, leave_part=True))


def _take_in(store: Store, left: Leftover, claim: Claim) -> Record | None:
    """Take a whole clip in, from its part or from its place; None where there is none."""
    part = store.shelf.spool(part_of(left.attempt))
    completed = claim.completion is not None
    done = claim.completion or _examine(part, claim, left)
    if done is None:
        return None
    known = _balance(store, done.remaining_credits)
    done = replace(done, remaining_credits=known)
    claim = replace(claim, completion=done)
    if is_whole(part, done):
        claim = bring_now(store, left.attempt, claim)
        return store.carry_out_now(CommitRequest(left.attempt, completed=claim))
    if completed and store.shelf.holds(done.output, done):
        store.shelf.flush()
        record = records.succeeded(claim, done, store.counted(claim))
        return store.carry_out_now(CommitRequest(left.attempt, record=record, leave_part=True))
    return None


def _balance(store: Store, found: Decimal | None) -> Decimal | None:
    """Return the balance as known now: what an older answer says may lower it only."""
    known = store.history.remaining
    return found if known is None or (found is not None and found < known) else known


def _examine(part: Path, claim: Claim, left: Leftover) -> Completion | None:
    """Complete a claim whose body lies whole in its part, by the head of its response."""
    head = left.expected
    if head is None or head.status == _PARTIAL or not head.length:
        return None
    try:
        file = os.fdopen(open_file(part), "rb")
    except (OSError, DirectoryError):
        return None
    with file:
        found = os.fstat(file.fileno())
        media = recognise(beginning(file.fileno()), head.content_type)
        if media is None or found.st_size != head.length:
            return None
        if media.boxes and extent(media, file.fileno(), found.st_size).end is End.CUT:
            return None
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if left.sha256 not in {None, sha256}:
        return None
    return Completion(
        output=with_ending(claim.output, media.extension),
        bytes=found.st_size,
        sha256=sha256,
        content_type=media.content_type,
        http_status=head.status,
        cost=claim.price if head.cost is None else head.cost,
        cost_source=CostSource.ESTIMATED if head.cost is None else CostSource.REPORTED,
        remaining_credits=head.remaining_credits,
        request_id=head.request_id,
        finished_at=rfc3339(found.st_mtime),
        duration_s=_seconds_since(claim.started_at, found.st_mtime),
        simulated=head.simulated,
    )


def _seconds_since(started_at: str, end: float) -> float:
    with contextlib.suppress(ValueError):
        return max(round(end - datetime.fromisoformat(started_at).timestamp(), 3), 0.0)
    return 0.0


def _put_away(store: Store, part: str, name: str) -> str | None:
    """Keep what came, if anything did; return where."""
    try:
        kept = store.shelf.keep(part, name)
    except OSError as error:
        path, why = store.shelf.spool(part), error.strerror or error
        store.warn(f"{path} stays where it is, because it cannot be moved: {why}")
        return None
    store.shelf.drop(part)
    return kept
