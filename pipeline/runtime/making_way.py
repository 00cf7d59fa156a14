"""Of answers that come together, the first are saved once the places that they free are filled."""

import anyio

from pipeline.runtime.lifecycle import Attempt
from pipeline.runtime.permits import FILLING
from pipeline.runtime.state import RunState, clock

# Saving waits for so much of the time that the answer has taken, and for so many seconds at most.
_PART, _LONGEST = 0.25, 0.25


async def make_way(state: RunState, attempt: Attempt, took: float) -> None:
    """Wait while others go out; `took` is how many seconds the answer has taken.

    Not where a kill in between would cost the output, as nobody knows how long it is.
    """
    most = min(_PART * took, _LONGEST)
    has_head = attempt.witness is not None and attempt.witness.has_head
    if not has_head or most <= FILLING or not state.permits.are_passing(clock()):
        return
    # What fails meanwhile was sent before it, and is judged as after its record.
    state.circuit.came(attempt.answered_at or 0.0)
    state.streak.came(attempt.sent_at or 0.0)
    with anyio.CancelScope(shield=True):  # what has come is saved in any case
        await state.permits.passed(most)
