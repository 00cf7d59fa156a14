"""What an answer says that is not of its task alone: more outputs, or another task's request."""

from msgspec.structs import replace

from pipeline.api.outcome import Fault, Outcome
from pipeline.printable import printable
from pipeline.runtime.lifecycle import Attempt
from pipeline.runtime.state import RunState


class Answers:
    """Looks at the answers of a run before they are settled."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._warned_of_unkept = False

    def warn_of_unkept(self, attempt: Attempt, outcome: Outcome) -> None:
        """Say once that answers have more outputs than the one that a task has."""
        if not outcome.unkept or self._warned_of_unkept:
            return
        self._warned_of_unkept = True
        self._state.warn(
            f"{attempt.task.id}: the answer has {outcome.unkept + 1} outputs, and a task has one:"
            " the first is kept, of this and of later answers. Ask for one output, and write"
            " takes: N for several"
        )

    def disowned(self, attempt: Attempt, outcome: Outcome) -> Outcome | None:
        """Put an answer in doubt whose id is another task's request: that has one clip, not two.

        None where the id is this one's own. Nobody can say whether two were made, or paid for.
        """
        accepted = outcome.accepted
        if accepted is None:
            return None
        other = self._state.other_owner(accepted.id, attempt.task.id)
        if other is None:
            return None
        detail = (
            f"the provider answered with the id {printable(accepted.id)}, which {printable(other)}"
            " has already: whether it made, and charged for, another clip is unknown"
        )
        self._state.warn(f"{attempt.task.id}: {detail}")
        return replace(outcome, accepted=None, fault=Fault.GONE, detail=detail, cost=None)
