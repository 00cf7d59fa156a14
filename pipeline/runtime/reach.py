"""Whether a run reaches whoever an earlier one has sent something to; else a person is told.

A directory may come from anybody, and a job may name another provider since, or a description that
was edited. The key goes only where this run would send it anyway, and nobody is asked about what
was sent to somebody else: that it is not known there would prove nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.account.payer import is_payer
from pipeline.api.endpoint import Endpoint
from pipeline.api.provider import Provider
from pipeline.models import Claim, Job
from pipeline.settling.attempts import Attempt
from pipeline.settling.doubts import same_account

# Names that a message lists.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Reach:
    """What one run reaches: one provider, at one base URL, with one key."""

    job: Job
    provider: Provider
    endpoint: Endpoint

    def has(self, sent: Attempt) -> bool:
        """Whether it reaches where an attempt was sent, as far as that is known."""
        return self.lacks(sent) is None

    def lacks(self, sent: Attempt | Claim) -> tuple[str, str] | None:
        """Say where something was sent that is not reached, and what would reach it."""
        here = self.endpoint.base_url.rstrip("/")
        if not same_account(sent.provider, self.provider.name):
            provider = sent.provider or "segmind"
            return (
                f"at the provider {provider}, and this run asks {self.provider.name}",
                f"run again with `provider` set to the one that calls itself {provider}",
            )
        if sent.base_url is not None and sent.base_url.rstrip("/") != here:
            return (
                f"at {sent.base_url}, and this run asks {here}",
                f"run again with that base URL ({self.provider.url_variable}, or --base-url)",
            )
        if not is_payer(sent.account, self.job.account.name, self.endpoint):
            return (
                f"on the account {sent.account}, which is not this run's",
                "run again with that account's key and name (account.key, account.name)",
            )
        return None

    def may_follow(self, claim: Claim) -> str | None:
        """Say why an accepted claim is not followed; None where it is."""
        lack = self.lacks(claim)
        if lack is None:
            return None
        return f"{claim.task} waits {lack[0]}: {lack[1]} to fetch its output"

    def unreached(self, doubts: Iterable[Attempt]) -> Iterator[str]:
        """Say of doubts that are not reached what would reach them, a line for each place."""
        places: dict[tuple[str, str], list[str]] = {}
        for doubt in doubts:
            if (lack := self.lacks(doubt)) is not None:
                places.setdefault(lack, []).append(doubt.task)
        for (where, remedy), tasks in places.items():
            names = ", ".join(tasks[:_NAMED]) + (", …" if len(tasks) > _NAMED else "")
            yield (
                f"{len(tasks)} in doubt ({names}) may be {where}: nobody is asked about what was"
                f" sent elsewhere; {remedy} to find out what became of it"
            )
