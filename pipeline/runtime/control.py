"""What a person can change of a run that is going on."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import anyio
import msgspec

from pipeline import events as ev
from pipeline.api.provider import Model
from pipeline.controlling.place import bound_socket
from pipeline.controlling.requests import Action, Request
from pipeline.controlling.server import Handler, serve
from pipeline.engines.crew import Crew
from pipeline.errors import DirectoryError, ExitCode, PipelineError, UsageError
from pipeline.models import Gate, Job, Rate
from pipeline.runtime.engine import Engine
from pipeline.runtime.reloading import Reloading, describe, next_run
from pipeline.runtime.standing import spelled, standing
from pipeline.runtime.state import RunState, clock

Listening = Callable[[RunState, Handler], AbstractAsyncContextManager[None]]
"""How a run can be asked while it goes on: the port to whoever controls it."""

_ASKED = "asked for with `pipeline control`"


@asynccontextmanager
async def over_socket(state: RunState, handle: Handler) -> AsyncIterator[None]:
    """Answer at the socket of the output directory; a run goes on without it, with a warning."""
    with ExitStack() as resources:
        try:
            listening = resources.enter_context(bound_socket(state.store.layout.root))
        except (OSError, DirectoryError) as error:
            state.warn(f"`pipeline control` cannot reach this run: {error}")
            yield
            return
        async with anyio.create_task_group() as group:
            group.start_soon(serve, listening, handle)
            try:
                yield
            finally:
                group.cancel_scope.cancel()


@asynccontextmanager
async def by_nobody(state: RunState, handle: Handler) -> AsyncIterator[None]:  # noqa: ARG001
    """Let nobody control the run."""
    yield


class Control:
    """Does what is asked of a run, and says what stands then. Not thread-safe."""

    def __init__(self, engine: Engine, crew: Crew, reloading: Reloading) -> None:
        self._engine, self._crew, self._state = engine, crew, engine.state
        self._reloading = reloading
        self._reading = anyio.Lock()
        self._set: set[Action] = set()  # what was set here, a job file changes no more
        self._warned = {*engine.state.job.warnings, *engine.state.plan.warnings}

    async def __call__(self, request: Request) -> ev.Standing:
        """Do it. What is so already stays so.

        Raises:
            PipelineError: it is refused; the run goes on unchanged.
        """
        try:
            if request.action is Action.RELOAD:
                return await self._reload()
            return standing(self._state, await self._do(request))
        except PipelineError as refused:
            redact = self._state.session.endpoint.redact
            hint = refused.hint and redact(refused.hint)
            raise UsageError(redact(refused.message), hint=hint) from refused
        except Exception as bug:
            self._engine.fail(bug)
            raise UsageError("this is a bug in pipeline: the run stops") from bug

    async def _do(self, request: Request) -> str | None:  # noqa: PLR0911 - one return an action
        if request.action is Action.STATUS:
            return None
        if request.action is Action.STOP:
            return self._stop()
        self._reloading.refuse_at_the_end()
        if request.action in {Action.CONCURRENCY, Action.RATE, Action.BUDGET}:
            self._set.add(request.action)
        match request.action, request.value:
            case Action.PAUSE, _:
                return self._pause()
            case Action.RESUME, _:
                return self._resume()
            case Action.CONCURRENCY, int(number):
                return self.set_concurrency(number)
            case Action.RATE, Rate() | None as rate:
                return self.set_rate(rate)
            case Action.BUDGET, Decimal() | None as budget:
                return self.set_budget(budget)
        raise UsageError(f"{request.action} is not possible here")

    # -- the actions --------------------------------------------------------------------------

    def _stop(self) -> str:
        if self._state.stopped is not None:
            return "it is stopping already"
        self._state.stop(ExitCode.SIGTERM, _ASKED)
        return "it stops; what is in flight is finished and saved"

    def _pause(self) -> str:
        if self._state.held_since is not None:
            return "it is paused already"
        self._state.held_since = clock()
        self._state.recall()
        self._state.notify()
        return "paused: nothing new is sent, and what is in flight finishes"

    def _resume(self) -> str:
        state, now = self._state, clock()
        if state.held_since is None:
            return "it was not paused"
        lasted, state.held_since = now - state.held_since, None
        # Whoever paused the run has not waited for the API, nor for a top-up.
        state.circuit.excuse(lasted, now)
        if state.top_up is not None:
            state.top_up.look_now(now, paused=lasted)
        pause = state.pauses.present
        if pause is not None and pause[0] is ev.Reason.PAUSED:
            state.pauses.end()
        state.notify()
        return "resumed"

    def set_concurrency(self, number: int) -> str:
        """Have at most so many in flight; what is in flight already finishes."""
        state, before = self._state, self._state.job.concurrency
        self._crew.resize(number)
        if number < before:
            state.crowd = max(state.crowd, len(state.permits))
        state.job = replace(state.job, concurrency=number)
        state.circuit.concurrency = number
        self._engine.add_slots()
        state.permits.grant()
        state.notify()
        return _said("concurrency", before, number)

    def set_rate(self, rate: Rate | None) -> str:
        """Send at another rate."""
        state, before = self._state, self._state.job.rate
        state.job = replace(state.job, rate=rate)
        self._engine.dispatch.keep_pace(rate)
        state.notify()
        return _said("rate", spelled(before) or "none", spelled(rate) or "none")

    def set_budget(self, budget: Decimal | None) -> str:
        """Let the job spend another amount, and look anew at what it could not pay for."""
        state, before = self._state, self._state.job.credits.budget
        job = replace(state.job, credits=replace(state.job.credits, budget=budget))
        refuse_unknown_price(job, self._model)
        state.gate.change_budget(budget)
        state.job = job
        state.recall()
        state.queue.restore()
        if state.top_up is not None:
            state.top_up.look_now(clock())
        state.gate.recheck()
        state.notify()
        return _said("budget", _dollars(before), _dollars(budget))

    # -- the job file -------------------------------------------------------------------------

    async def _reload(self) -> ev.Standing:
        """Read the job file again, and take up what has changed in it."""
        state, reloading = self._state, self._reloading
        reloading.refuse_at_the_end()
        async with self._reading:
            with reloading.noting():
                draft = await reloading.read()
                exchange = await reloading.swap(draft, self._prepare)
            new = draft.job
            later = next_run(state.job, new)
            said = [describe(state, exchange), *self._take_over(new)]
        changed = "; ".join(said)
        found = (*new.warnings, *draft.plan.warnings)
        warnings = [warning for warning in dict.fromkeys(found) if warning not in self._warned]
        self._warned.update(warnings)
        state.watch(ev.Reloaded(state.counts, state.plan.selected, changed, time.time()))
        for warning in warnings:
            state.warn(warning)
        now = standing(state, changed)
        return msgspec.structs.replace(now, warnings=tuple(warnings), next_run=later)

    def _prepare(self, new: Job) -> None:
        """See that the settings of an edited job file are possible, before anything changes."""
        job = self._state.job
        if Action.BUDGET not in self._set:
            credits_ = replace(job.credits, budget=new.credits.budget)
            refuse_unknown_price(replace(job, credits=credits_), self._model)
        if Action.CONCURRENCY not in self._set:
            self._crew.resize(new.concurrency)

    def _take_over(self, new: Job) -> Iterator[str]:
        """Apply the settings of an edited job file; yield what was done."""
        state = self._state
        job = state.job
        state.job = replace(job, expand=new.expand, remarks=new.remarks, retry=new.retry)
        state.circuit.patience = new.retry.outage
        if new.retry != job.retry:
            yield "retry as written now"
        settings: list[tuple[Action, bool, Callable[[], str]]] = [
            (
                Action.CONCURRENCY,
                new.concurrency != job.concurrency,
                lambda: self.set_concurrency(new.concurrency),
            ),
            (Action.RATE, new.rate != job.rate, lambda: self.set_rate(new.rate)),
            (
                Action.BUDGET,
                new.credits.budget != job.credits.budget,
                lambda: self.set_budget(new.credits.budget),
            ),
        ]
        for action, differs, apply in settings:
            if differs:
                stays = f"{action} stays, as `pipeline control` has set it"
                yield stays if action in self._set else apply()

    @property
    def _model(self) -> Model:
        return self._state.provider.model(self._state.job.model)


def refuse_unknown_price(job: Job, model: Model) -> None:
    """See that a budget can be kept.

    Raises:
        UsageError: nobody knows what a task costs, and nobody will be asked.
    """
    known = job.credits.cost or job.credits.pricing or model.price
    if job.credits.gate is Gate.OFF and job.credits.budget is not None and known is None:
        raise UsageError(
            "credits.budget cannot be enforced: with gate: off the price of a task is unknown",
            hint="write credits.cost, what one request costs",
        )


def _said(what: str, before: object, after: object) -> str:
    return f"{what} {after}" + (", as before" if before == after else f", before {before}")


def _dollars(amount: Decimal | None) -> str:
    return "none" if amount is None else f"${amount:f}"
