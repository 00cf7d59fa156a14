"""Which request meets which fault: drawn from a seed, or written into the prompt.

A prompt may carry directives, so that a demonstration or a test knows what will happen:

    [[fail 500]]       every request for it fails so
    [[fail 500 x2]]    its first two requests do, and the next works; directives add up in order
    [[latency 3]]      it takes exactly 3 seconds
    [[media dead x2]]  its media are dead at the first two addresses: see `media_faults`

A word is a kind of `KINDS`, `406-param`, `403-moderation`, `failed-moderation`, or any status from
300 to 599. `failed` and `failed-moderation` are generations that fail: v2 accepts the request, and
it ends as FAILED; v1 answers 422. Where the answer of v2 to a submit is lost (504, reset, drop,
cut, stall, …), the generation runs all the same. `arrears` is a refusal for want of money, and
`error200` an error under 200: neither is processed.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.errors import SandboxError
from sandbox.media_faults import MediaRule, read_media_rule

REFUSALS = frozenset({"500", "502", "503", "429", "moderation", "failed", "arrears", "error200"})
# The generation ran to its end, so it was paid for, whatever became of the answer.
PAID = frozenset(
    {
        *("504", "reset", "drop", "cut", "stall", "slow"),
        *("html200", "json200", "empty200", "nonmedia"),
    }
)
KINDS = REFUSALS | PAID

# The generation was tried, and failed: nothing is paid.
FAILURES = frozenset({"failed", "failed-moderation"})
# What the API refuses by itself; these others have reached a worker, and are listed as failed.
_OTHER_LISTED = frozenset({"moderation", "403-moderation"})
_OTHER_WORDS = frozenset({"406-param", "403-moderation", "failed-moderation"})

_DIRECTIVE = re.compile(r"\s*\[\[\s*(.*?)\s*\]\]")
_FAIL = re.compile(r"fail\s+(\S+?)(?:\s+x(\d+))?")
_LATENCY = re.compile(r"latency\s+(\d+(?:\.\d+)?)")
_MEDIA = re.compile(r"media\s+(.+)")
_STATUS = re.compile(r"[3-5]\d\d")
_FIRST_PAID_STATUS = 504  # 504, 520, 524: the gateway gave up, the generation did not


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to one request: nothing bad (`fault` None) or a fault, after `latency` s."""

    fault: str | None
    latency: float

    @property
    def paid(self) -> bool:
        """Return whether the generation runs and is charged."""
        if self.fault is None or self.fault in PAID:
            return True
        return self.fault.isdigit() and int(self.fault) >= _FIRST_PAID_STATUS

    @property
    def fails(self) -> bool:
        """Return whether the generation is tried, and fails."""
        return self.fault in FAILURES

    @property
    def is_listed(self) -> bool:
        """Return whether the request history has it: it has reached a worker."""
        if self.paid or self.fails or self.fault in _OTHER_LISTED:
            return True
        return self.fault is not None and self.fault.startswith("5")


@dataclass(frozen=True, slots=True)
class Script:
    """The directives of one prompt. A failure's number None means always."""

    failures: tuple[tuple[str, int | None], ...] = ()
    latency: float | None = None
    media: MediaRule | None = None

    def failure(self, nth: int) -> str | None:
        """Name the fault of the `nth` request, counted from 1."""
        last = 0
        for word, times in self.failures:
            if times is None:
                return word
            last += times
            if nth <= last:
                return word
        return None


def read_script(prompt: str) -> Script:
    """Read the directives of `prompt`; raise ValueError for one that is not valid."""
    failures: list[tuple[str, int | None]] = []
    latency, media = None, None
    for text in _DIRECTIVE.findall(prompt):
        if match := _FAIL.fullmatch(text):
            word, times = match.groups()
            if not _is_word(word):
                raise ValueError(f"[[{text}]]: '{word}' is not a fault of the sandbox")
            failures.append((word, int(times) if times else None))
        elif match := _LATENCY.fullmatch(text):
            latency = float(match[1])
        elif match := _MEDIA.fullmatch(text):
            media = read_media_rule(match[1])
        else:
            raise ValueError(f"[[{text}]]: use [[fail …]], [[latency …]] or [[media …]]")
    return Script(tuple(failures), latency, media)


def without_directives(prompt: str) -> str:
    """Return `prompt` as it should be shown."""
    return _DIRECTIVE.sub("", prompt).strip()


def check_rates(rates: Mapping[str, float]) -> None:
    """Raise SandboxError unless `rates` are fractions of known kinds that add up to 1 at most."""
    for kind, rate in rates.items():
        if kind not in KINDS:
            raise SandboxError(
                f"'{kind}' is not a valid fault", hint=f"use one of {', '.join(sorted(KINDS))}"
            )
        if not 0 <= rate <= 1:
            raise SandboxError(f"the rate of fault {kind} must be from 0 to 1, not {rate}")
    # Ten rates of 0.1 add up to a hair above 1.
    if sum(rates.values()) > 1 + 1e-9:
        raise SandboxError("the rates of all faults add up to more than 1")


@dataclass(frozen=True, slots=True)
class Dice:
    """Draws plans. Times in seconds; `jitter` is a fraction of the latency, either way.

    A draw depends on the seed, the request and how often it came, never on the order in which
    concurrent requests arrive: the same job meets the same faults every time.
    """

    seed: int
    latency: float
    jitter: float

    def plan(self, request: str, nth: int, script: Script, rates: Mapping[str, float]) -> Plan:
        """Draw what happens to the `nth` request (from 1) of the digest `request`."""
        # Simulation, not cryptography; a string as seed is hashed whole.
        draw = random.Random(f"{self.seed}:{request}:{nth}")  # noqa: S311
        latency = self.latency * (1 + draw.uniform(-self.jitter, self.jitter))
        fault = script.failure(nth) if script.failures else _pick(draw.random(), rates)
        return Plan(fault, latency if script.latency is None else script.latency)


def _pick(number: float, rates: Mapping[str, float]) -> str | None:
    """Choose a kind by a number from 0 to 1, or none."""
    for kind, rate in rates.items():
        if number < rate:
            return kind
        number -= rate
    return None


def _is_word(word: str) -> bool:
    return word in KINDS or word in _OTHER_WORDS or bool(_STATUS.fullmatch(word))
