"""How a doubt ends: as an accepted claim, or as a record that says what a list or a person said."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from pipeline.api.outcome import Outcome, Row
from pipeline.api.provider import Provider
from pipeline.ledger import endings
from pipeline.models import (
    Claim,
    Form,
    Handle,
    Input,
    Inputs,
    Record,
    Settled,
    Task,
    part_of,
    task_key,
)
from pipeline.settling.attempts import Doubt
from pipeline.store.claims import Leftover
from pipeline.store.commit import Store

# How the end of a request that a list calls failed is judged: as its provider answers for one.
_FAILED = 422


async def accept(
    store: Store, doubt: Doubt, handle: Handle, *, names: Mapping[str, str], base_url: str | None
) -> Leftover:
    """Make a doubt that is listed an accepted claim, which is asked for by its id.

    `names` are the outputs of the job's tasks, without extension, as the job has them now.

    Raises:
        StorageError: it cannot be written.
    """
    origin = doubt.origin
    if isinstance(origin, Leftover):
        assert origin.claim is not None
        base_url = origin.claim.base_url or base_url
        claim = msgspec.structs.replace(origin.claim, handle=handle, base_url=base_url)
        await store.accept(origin.attempt, claim)
        take_out(store, origin)
        return Leftover(origin.attempt, claim)
    assert origin is not None
    name = names.get(origin.task) or task_key(origin.task)
    return await store.reclaim(origin, handle, output=name, base_url=base_url)


def comes_too_late(store: Store, doubt: Doubt) -> bool:
    """Return whether the output of a doubt is of no use any more; see `Store.takes_in`."""
    return isinstance(doubt.origin, Record) and not store.takes_in(doubt.origin)


async def end_late(store: Store, doubt: Doubt, row: Row) -> Record:
    """Record that a request was charged whose output comes too late.

    Raises:
        StorageError: it cannot be written.
    """
    assert isinstance(doubt.origin, Record)
    cost = row.progress.cost
    record = endings.listed_too_late(doubt.origin, request_id=row.id, cost=cost)
    return await store.correct(record)


async def end_failed(store: Store, doubt: Doubt, row: Row, provider: Provider) -> Record:
    """Record that a request has failed, and was not charged.

    Raises:
        StorageError: it cannot be written.
    """
    sent = _sent(doubt)
    failed = Outcome(took=0.0, status=_FAILED, text=row.progress.error)
    reason = provider.judge(task_of(sent), failed).reason
    stands = _stands(store, sent)
    record = endings.listed_failed(
        sent, failure(row), request_id=row.id, reason=reason, stands=stands
    )
    return await _end(store, doubt, record)


async def end_absent(store: Store, doubt: Doubt, row: Row) -> Record | None:
    """End the doubt about a request that its provider has never had; it is to do again.

    Returns the record, None where the doubt has none either.

    Raises:
        StorageError: it cannot be written.
    """
    origin = doubt.origin
    if isinstance(origin, Leftover):
        forget(store, origin)
        return None
    assert origin is not None
    stands = _stands(store, origin)
    return await store.correct(endings.absent(origin, row.progress.error, stands=stands))


def failure(row: Row) -> str:
    """Say that the list has a request as failed, and why."""
    return f"the provider lists it as failed: {row.progress.error or 'it does not say why'}"


async def end_by_word(
    store: Store,
    doubt: Doubt,
    word: Settled,
    *,
    price: Decimal | None,
    request_id: str | None = None,
) -> Record:
    """Record that a doubt was charged or not.

    `price` is in US dollars, None for what the doubt has put at risk.

    Raises:
        StorageError: it cannot be written.
    """
    sent = _sent(doubt)
    stands = _stands(store, sent)
    record = endings.by_word(sent, word, price=price, request_id=request_id, stands=stands)
    return await _end(store, doubt, record)


def task_of(sent: Claim | Record) -> Task:
    """Make the task of what was sent, as it was then."""
    return Task(
        id=sent.task,
        model=sent.model,
        params=sent.params,
        fingerprint=sent.fingerprint,
        output=(sent.output if isinstance(sent, Claim) else None) or task_key(sent.task),
        meta=sent.meta,
        inputs=_lost(sent),
    )


def _lost(sent: Claim | Record) -> Inputs:
    """Name what was sent with it: should it ever be sent again, it cannot without these files."""
    inputs = sent.inputs or {}
    return {name: Input(sha256="", form=Form.DATA_URI, path=name) for name in inputs}


def _sent(doubt: Doubt) -> Claim | Record:
    sent = doubt.origin.claim if isinstance(doubt.origin, Leftover) else doubt.origin
    assert sent is not None
    return sent


def _stands(store: Store, sent: Claim | Record) -> bool:
    """Whether the end of a doubt says how its task stands; see `pipeline.ledger.endings`."""
    return isinstance(sent, Claim) or not store.history.is_superseded(sent)


async def _end(store: Store, doubt: Doubt, record: Record) -> Record:
    """Write the end of a doubt, and keep what had come of its body as evidence."""
    origin = doubt.origin
    if not isinstance(origin, Leftover):
        return await store.correct(record)
    assert origin.claim is not None
    kept = f"{origin.claim.output}-{origin.attempt[:8]}"
    record = await store.note(origin.attempt, record, keep=kept)
    take_out(store, origin)
    return record


def forget(store: Store, left: Leftover) -> None:
    """Close the claim of a request that was not processed: nothing of it is to be recorded."""
    store.drop(left.attempt)
    store.shelf.arrivals().forget([part_of(left.attempt)])
    take_out(store, left)


def take_out(store: Store, left: Leftover) -> None:
    """Take a claim out of those in doubt."""
    store.doubtful = [other for other in store.doubtful if other is not left]
