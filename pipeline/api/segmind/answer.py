"""An answer of Segmind beside what was sent, and what its words mean. Pure."""

from functools import cached_property

from pipeline.api.outcome import Fault, Outcome
from pipeline.api.segmind.wording import (
    about_money,
    judges_the_prompt,
    refuses_the_prompt,
    says_the_credits_are_gone,
    texts,
    without_echoes,
)
from pipeline.models import Task

# Characters of an answer that are searched for what it means; a server may send more than can be
# read in time.
_READ = 16_384


class Answer:
    """An outcome beside the task that was sent."""

    def __init__(self, task: Task, outcome: Outcome) -> None:
        self.outcome = outcome
        self._params = task.params

    @property
    def status(self) -> int | None:
        """The HTTP status, where an answer began."""
        return self.outcome.status

    @property
    def fault(self) -> Fault | None:
        """Why there is no whole output."""
        return self.outcome.fault

    @cached_property
    def sent(self) -> list[str]:
        """Every text of what was sent, the prompt among them."""
        return list(texts(self._params))

    @cached_property
    def said(self) -> str:
        """The begin of the answer's text in lower case, without what was sent."""
        return without_echoes(self.outcome.text, self.sent)[:_READ]


# Codes that speak of the address, the model or the pace, whatever their text.
_NEVER_ABOUT_THE_PROMPT = frozenset({*range(300, 400), 404, 408, 410, 425, 429})
# Codes that speak of the key, the proxy or the server, unless the text is plain.
_SELDOM_ABOUT_THE_PROMPT = frozenset({401, 405, 407, *range(500, 600)})
_ABOUT_MONEY = frozenset({402, 406})
# Codes with another meaning, which some use for an empty account.
_PERHAPS_ABOUT_MONEY = frozenset({400, 403, 429})
# A gateway says that it has not reached the API.
UNREACHED = frozenset({521, 523, 525, 526, 530})
_NOT_PROCESSED = frozenset({500, 502, 503, *UNREACHED})


def may_have_worked(answer: Answer) -> bool:
    """Whether a server's error leaves it open if the work was done."""
    return answer.status in range(500, 600) and answer.status not in _NOT_PROCESSED


def refused_by_moderation(answer: Answer) -> bool:
    """Say whether an answer that is no output refuses the prompt on safety grounds."""
    if (
        answer.status is None
        or answer.outcome.body
        or answer.fault in {Fault.CUT, Fault.UNSAVED, Fault.TOO_LARGE}
        or answer.status in _NEVER_ABOUT_THE_PROMPT
    ):
        return False
    if answer.status in _SELDOM_ABOUT_THE_PROMPT:
        return judges_the_prompt(answer.said)
    if answer.status in _ABOUT_MONEY and means_no_credits(answer):
        return False
    return refuses_the_prompt(answer.said)


def means_no_credits(answer: Answer) -> bool | None:
    """Read a 406: True for credits or a spend limit, False for the request, None if unsure."""
    return about_money(answer.said)


def credits_are_gone(answer: Answer) -> bool:
    """Say whether an answer with another code leaves no doubt that the credits are gone."""
    answered = answer.status in _PERHAPS_ABOUT_MONEY or answer.fault in {
        Fault.NOT_MEDIA,
        Fault.NO_ID,
    }
    return answered and says_the_credits_are_gone(answer.said, answer.sent)
