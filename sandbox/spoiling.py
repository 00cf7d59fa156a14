"""What a fault leaves of a good answer."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp

from sandbox import answers, wire


def spoiled(whole: wire.Delivery, fault: str | None, end: Callable[[], None]) -> ASGIApp | None:
    """Return what the fault leaves of an answer; None where another status takes its place.

    `end` closes the books before the client can know that its connection is lost.
    """
    match fault:
        case None | "nonmedia" | "slow":
            return whole
        case "cut" | "stall":
            return wire.Half(whole, end if fault == "cut" else None)
        case "reset" | "drop":
            return wire.Silence(wire.reset if fault == "reset" else wire.drop, end)
        case "html200" | "json200" | "empty200":
            return _hollow(fault, whole)
        case _:
            return None


def _hollow(fault: str, whole: wire.Delivery) -> Response:
    """Answer 200 with something else than what was paid for."""
    match fault:
        case "html200":
            answer = answers.page("Something went wrong")
        case "json200":
            answer = answers.problem(200, "Generation failed upstream.")
        case _:
            answer = Response(media_type=whole.content_type)
    answer.headers.update(whole.headers)
    return answer
