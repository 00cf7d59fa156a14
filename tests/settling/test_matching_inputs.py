"""A row explains a doubt with inputs only where its inputs can be its own."""

import base64
import hashlib
from typing import Any

from pipeline.api.outcome import Progress, RequestState, Row
from pipeline.models import rfc3339
from pipeline.settling.attempts import Doubt, Expected, Known, KnownAttempt
from pipeline.settling.inputs import signs
from pipeline.settling.matching import explain

T0 = 1_795_694_400.0
ONE, TWO = b"one picture, as it was sent", b"and another one, not the same"


NOTHING = Known()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def inputs(*data: bytes) -> Any:
    several = [{"path": "p.png", "sha256": sha(one), "bytes": len(one)} for one in data]
    return signs({"image": several if len(several) > 1 else several[0]})


def doubt(task: str, *data: bytes) -> Doubt:
    return Doubt(
        task=task, started_at=rfc3339(T0), model="m", params={"prompt": "x"}, inputs=inputs(*data)
    )


def row(name: str, image: Any, at: float = 1.0) -> Row:
    sent = {"prompt": "x"} if image is None else {"prompt": "x", "image": image}
    done = Progress(state=RequestState.DONE, media=f"https://m.test/{name}")
    return Row(id=name, model="m", sent=sent, created=T0 + at, progress=done)


def raw(data: bytes) -> str:
    return base64.b64encode(data).decode()


def found(doubts: list[Doubt], rows: list[Row], known: Known = NOTHING) -> dict[str, str]:
    return {task: found.id for (task, _), found in explain(doubts, known, rows).items()}


def test_equal_prompts_with_other_pictures_are_told_apart_by_their_bytes() -> None:
    doubts = [doubt("a", ONE), doubt("b", TWO)]
    rows = [row("r2", raw(TWO)), row("r1", f"data:image/png;base64,{raw(ONE)}", 2.0)]
    assert found(doubts, rows) == {"a": "r1", "b": "r2"}


def test_a_row_with_another_picture_or_none_explains_nothing() -> None:
    assert found([doubt("a", ONE)], [row("r", raw(TWO))]) == {}
    assert found([doubt("a", ONE)], [row("r", None)]) == {}
    assert found([doubt("a", ONE, TWO)], [row("r", [raw(ONE)])]) == {}
    assert found([doubt("a", ONE, TWO)], [row("r", [raw(ONE), raw(TWO)])]) == {"a": "r"}


def test_an_address_that_the_provider_made_of_it_explains_where_it_can_be_of_no_other() -> None:
    rows = [row("r", "https://images.test/1.png")]
    assert found([doubt("a", ONE)], rows) == {"a": "r"}
    assert found([doubt("a", ONE), doubt("b", TWO)], rows) == {}
    done = KnownAttempt(
        task="c", started_at=rfc3339(T0), model="m", params={"prompt": "x"},
        inputs=inputs(TWO), ended=T0 + 60, expected=Expected.DONE,
    )  # fmt: skip
    assert found([doubt("a", ONE)], rows, Known(attempts=(done,))) == {}


def test_an_address_that_was_sent_is_compared_as_a_text() -> None:
    first, second = "https://x.test/1.png", "https://x.test/2.png"
    doubts = [doubt("a", first.encode()), doubt("b", second.encode())]
    assert found(doubts, [row("r", second)]) == {"b": "r"}


def test_forged_inputs_of_a_record_are_no_error() -> None:
    for value in (None, {"a": 1}, {"a": []}, {"a": [None]}, {"a[": {"sha256": 3}}):
        explain([Doubt(task="a", started_at=rfc3339(T0), model="m", params={"prompt": "x"},
                       inputs=signs(value))], Known(), [row("r", [1, 2])])  # fmt: skip
