"""While a run waits for a top-up, the request that tries whether it has come is paid for too."""

from decimal import Decimal
from pathlib import Path

import pytest
from support import virtual
from support.night import Night
from support.parts import opened

from pipeline.models import CreditPolicy
from pipeline.money.gate import Verdict
from pipeline.money.topup import TopUp


@pytest.mark.parametrize(
    ("budget", "verdict"), [("0.94", Verdict.CLOSED), ("0.95", Verdict.GO)], ids=str
)
def test_a_top_up_is_tried_without_a_balance_call_only_within_the_budget(
    tmp_path: Path, budget: str, verdict: Verdict
) -> None:
    policy = CreditPolicy(cost=Decimal("0.95"), budget=Decimal(budget))

    async def main() -> None:
        with opened(Night(tmp_path, 1), credits=policy) as engine:
            state = engine.state
            state.gate.answer(state.gate.ask(), None)
            state.gate.reserve("a").release(Decimal(0))
            state.gate.answer(state.gate.ask(), None)
            state.top_up = TopUp()
            state.top_up.wait_on(0.0)
            attempt = state.queue.head(0.0)
            assert attempt is not None
            assert state.gate.consider(attempt.price_class) is Verdict.CLOSED
            assert engine.dispatch._choosing._verdict(attempt) is verdict

    virtual.run(main())
