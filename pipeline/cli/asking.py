"""Asks the provider what became of what is in doubt: a run that sends nothing."""

import sys
from functools import partial

import anyio

from pipeline import events as ev
from pipeline.cli.access import endpoint
from pipeline.cli.chosen import provider
from pipeline.cli.output import message
from pipeline.display.plain import PlainLines
from pipeline.display.words import money, named
from pipeline.errors import ExitCode
from pipeline.models import Job, Record, Status
from pipeline.printable import printable
from pipeline.runtime import runner
from pipeline.runtime.options import Options


def ask(job: Job, base_url: str | None) -> ExitCode:
    """Look up what is in doubt, wait for what was accepted, and take in what is found.

    Raises:
        PipelineError: there is no key, or the output directory cannot be used.
    """
    access, job = endpoint(job, base_url)
    options = Options(settle_only=True, keep_places=False, handle_signals=True)
    run = partial(runner.run, job, access, options=options, watch=_Found(PlainLines(sys.stderr)))
    return anyio.run(partial(run, provider=provider(job))).exit_code


class _Found:
    """Says what was found; passes on warnings and stops, not how a run begins and ends."""

    def __init__(self, watch: ev.Watcher) -> None:
        self._watch = watch

    def __call__(self, event: ev.Event) -> None:
        match event:
            case ev.Started() | ev.Summary():
                return
            case ev.Finished() | ev.Recovered() if event.record.status is not Status.IN_DOUBT:
                message(_in_words(event.record))
            case _:
                self._watch(event)


def _in_words(record: Record) -> str:
    """Say what became of a doubt, or of a request that the provider had accepted."""
    what = "found" if record.settled else "fetched"
    if record.status is Status.SUCCEEDED:
        return f"{what}: {printable(named(record))}, charged {money(record.cost)}"
    return f"{'found' if record.settled else 'failed'}: {printable(named(record))}: {record.error}"
