"""What a person says of a doubt, who has looked at the account's page: it was charged, or not.

    records = await say(store, billed=["hero"], not_billed=["intro*"], price=job.credits.cost)

Each doubt takes one word. It is written as a correcting record, so that the sums are right.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from pipeline.errors import UsageError
from pipeline.job.problems import nearest
from pipeline.job.selecting import selected
from pipeline.ledger.manifest import summaries
from pipeline.models import Record, Settled
from pipeline.money.price_class import class_of
from pipeline.printable import printable
from pipeline.settling.attempts import Doubt
from pipeline.settling.ending import end_by_word
from pipeline.store.commit import Store

_FLAGS = {Settled.BILLED: "--billed", Settled.NOT_BILLED: "--not-billed"}
_ENDED = {
    Settled.BILLED: "was settled as charged (--billed)",
    Settled.NOT_BILLED: "was settled as not charged (--not-billed)",
    Settled.FOUND: "was settled by the provider's list of requests",
}
# Names that a message lists.
_NAMED = 3


@dataclass(slots=True)
class Said:
    """What came of it: the records that were written, and the tasks that had this word already."""

    records: list[Record] = field(default_factory=list)
    before: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a task was settled before, and when."""

    settled: Settled
    at: str


async def doubts_of(store: Store) -> list[Doubt]:
    """Return every doubt of a directory, of all providers: records, and claims of a killed run.

    `store.recovery.recover` must have taken in before what arrived whole.

    Raises:
        DirectoryError: the manifest cannot be read.
        StorageError: the disk failed.
    """
    return [
        *map(Doubt.of_record, await store.doubts()),
        *map(Doubt.of_leftover, store.doubtful),
    ]


async def say(  # noqa: PLR0913 - what may be said, and what it costs
    store: Store,
    *,
    billed: Sequence[str] = (),
    not_billed: Sequence[str] = (),
    price: Decimal | None = None,
    pricing: Callable[[str], Decimal | None] | None = None,
    tasks: Iterable[str] = (),
) -> Said:
    """Settle doubts by a person's word, all of them or none.

    A word names a task: by its full name, by its id (with all values and takes that are in doubt),
    or by a pattern. All doubts of a task are settled. `price`, in US dollars, is what one costs
    where the doubt does not know, unless `pricing` says it by price class; `tasks` are the names in
    the job, for messages. The directory must be locked, and nothing running in it; `recover` comes
    before.

    Raises:
        UsageError: a word is about no task, or one that is not in doubt, or has ended otherwise;
            or what it has cost is unknown. Nothing was written then.
        DirectoryError: the manifest cannot be read.
        StorageError: a record cannot be written.
    """
    found = await doubts_of(store)
    hearing = _Hearing(found, store, tasks)
    for word, names in ((Settled.BILLED, billed), (Settled.NOT_BILLED, not_billed)):
        for name in names:
            hearing.hear(word, name)
    said = Said(before=sorted(hearing.before))
    chosen = [(d, hearing.words[d.task]) for d in found if d.task in hearing.words]

    def usual(doubt: Doubt) -> Decimal | None:
        return price if pricing is None else pricing(class_of(doubt.model, dict(doubt.params)))

    priced = [(doubt, word, _price(doubt, word, usual(doubt))) for doubt, word in chosen]
    for doubt, word, amount in priced:
        said.records.append(await end_by_word(store, doubt, word, price=amount))
    return said


def _price(doubt: Doubt, word: Settled, price: Decimal | None) -> Decimal | None:
    """Return what a charged doubt has cost; None where its record says it, or it is free."""
    if word is not Settled.BILLED or doubt.at_risk:
        return None
    if isinstance(doubt.origin, Record) and doubt.origin.cost:
        return None
    if price is None:
        raise UsageError(
            f"{printable(doubt.task)} cannot be settled as charged: its price is unknown; nothing"
            " was written",
            hint="write the price of a task in the job file as credits.cost, then run again",
        )
    return price


class _Hearing:
    """Finds what each word is about; `words` has one for each task in doubt that has one."""

    def __init__(self, doubts: list[Doubt], store: Store, tasks: Iterable[str]) -> None:
        self.words: dict[str, Settled] = {}
        self.before: set[str] = set()
        self._in_doubt = dict.fromkeys(doubt.task for doubt in doubts)
        self._ended: dict[str, _Ending] = {}
        self._waiting = {left.claim.task for left in store.accepted if left.claim}
        known = dict.fromkeys(self._in_doubt)
        for _, summary in summaries(store.layout.manifest):
            known.setdefault(summary.task)
            if summary.settled is not None:
                self._ended[summary.task] = _Ending(summary.settled, summary.finished_at)
        self._known = [*dict.fromkeys((*known, *self._waiting, *tasks))]

    def hear(self, word: Settled, name: str) -> None:
        """Take a word on the tasks of a name.

        Raises:
            UsageError: it is about none, or not about what is in doubt, or another word was said.
        """
        meant = selected(name, self._known)
        if not meant:
            raise UsageError(
                f"{_FLAGS[word]} {printable(name)}: no task is called this, nothing was written",
                hint=self._nearest(name),
            )
        in_doubt = [task for task in meant if task in self._in_doubt]
        for task in in_doubt:
            if self.words.setdefault(task, word) is not word:
                raise UsageError(
                    f"{printable(task)} is named by --billed and by --not-billed: nothing was"
                    " written"
                )
        if not in_doubt:
            self._refuse_other(word, meant)

    def _refuse_other(self, word: Settled, meant: list[str]) -> None:
        """Refuse a word on what is not in doubt, but for the one that was said before."""
        ended = [(task, self._ended[task]) for task in meant if task in self._ended]
        for task, ending in ended:
            if ending.settled is not word:
                raise UsageError(
                    f"{_FLAGS[word]} {printable(task)}: it {_ENDED[ending.settled]} at"
                    f" {printable(ending.at)}, nothing was written",
                    hint="a doubt takes one word; run with --retry failed renders the task again",
                )
            self.before.add(task)
        if not ended:
            waits = meant[0] in self._waiting
            why = "the provider has accepted it" if waits else "there is nothing to settle"
            raise UsageError(
                f"{_FLAGS[word]} {printable(meant[0])}: it is not in doubt ({why}), nothing was"
                " written",
                hint=self._in_doubt_now(),
            )

    def _nearest(self, name: str) -> str:
        near = nearest(name, self._in_doubt) or nearest(name, self._known)
        return f"did you mean {printable(near)}?" if near else self._in_doubt_now()

    def _in_doubt_now(self) -> str:
        if not self._in_doubt:
            return "no task is in doubt"
        names = [printable(task) for task in self._in_doubt]
        more = ", …" if len(names) > _NAMED else ""
        return f"in doubt: {', '.join(names[:_NAMED])}{more}"
