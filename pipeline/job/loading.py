"""A job file's way to a `Job`, from top to bottom."""

import os
import re
from collections import abc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.api import providers
from pipeline.api.provider import Provider
from pipeline.common import bucket_address
from pipeline.errors import JobFileError
from pipeline.job.expand.expansion import MOST_SEARCHED, Expansion
from pipeline.job.expand.inputs import InputMaker
from pipeline.job.expand.lint import Linter, Warnings
from pipeline.job.expand.making import Cell, Plan
from pipeline.job.expand.matrix import axis_values, combinations, words_of
from pipeline.job.expand.pricing import Pricing
from pipeline.job.files import beside
from pipeline.job.identity import checked_id
from pipeline.job.items import Item, Origin
from pipeline.job.keys import account
from pipeline.job.keys.checking import check_head, check_prompts
from pipeline.job.keys.document import Head, PromptKeys
from pipeline.job.keys.free import FreeValues
from pipeline.job.keys.inputs import written
from pipeline.job.keys.params import Target, unlikely_model, with_booleans, wrong_params
from pipeline.job.nodes import Mapping, Way, dotted, line_of, pure
from pipeline.job.problems import InvalidError, Report, TooManyProblemsError, shown
from pipeline.job.prompts.clips import Read
from pipeline.job.prompts.source import Finding
from pipeline.job.sources import Around, Sources, far, unsent
from pipeline.job.template.templates import (
    Render,
    has_templates,
    is_template,
    name_template,
    names_of,
    text_template,
)
from pipeline.job.yaml.reader import read
from pipeline.models import AccountPolicy, CreditPolicy, Expect, Job, Notify, RetryPolicy, Schedule

_UNSAFE = re.compile(r"[^\w .-]")


def load(
    path: Path,
    *,
    to_send: bool = True,
    most_searched: int = MOST_SEARCHED,
    environ: abc.Mapping[str, str] = os.environ,
    clips: Read | None = None,
) -> Job:
    """Read and check a job file.

    What a row says and its request would not is a problem only where it is `to_send`: the clips
    that are there can be looked at all the same. `environ` has the limits of the account that the
    job file does not set. `clips` reads what other jobs have rendered, whose clips are rows.

    Raises:
        JobFileError: with every problem at once, each with its line.
        UsageError: a limit in `environ` cannot be read.
    """
    report = Report(Path(os.path.abspath(path)))  # noqa: PTH100 - keeps symlinks as they are
    around = Around.of(report.file, clips, lambda there, inner: _nested(there, inner, environ))
    try:
        found = _load(report, environ, around, to_send=to_send)
        if found is not None and found[1].has_prompts:
            found[1].preview(report, most_searched)
    except TooManyProblemsError:
        found = None
    if found is None or report.problems:
        raise report.error() from None
    return found[0]


def _nested(path: Path, around: Around, environ: abc.Mapping[str, str]) -> tuple[Job, Expansion]:
    """Read a job for another one, which has its clips as rows: nothing of it is sent.

    Raises:
        JobFileError: with every problem of its file; those of its rows come with the rows.
    """
    report = Report(path)
    try:
        found = _load(report, environ, around, to_send=False)
    except TooManyProblemsError:
        found = None
    if found is None or report.problems:
        raise report.error() from None
    return found


def place(path: Path) -> Path:
    """Return the output directory of a job file, whose prompts and rows need not be valid.

    Raises:
        JobFileError: what says the directory cannot be read.
    """
    report = Report(Path(os.path.abspath(path)))  # noqa: PTH100 - keeps symlinks as they are
    report.tree = tree = read(report, providers.EXAMPLE_MODEL)
    head = None if tree is None else check_head(tree, report)
    name = "" if head is None else _name(head, report)
    wrong = any(problem.key.partition(".")[0] in {"name", "output"} for problem in report.problems)
    if head is None or wrong:
        raise report.error()
    return _place(report.file, head, name)


def _place(file: Path, head: Head, name: str) -> Path:
    here = "outputs/" + _UNSAFE.sub("-", name)
    return beside(file, here if _bucket(head) else head.output.dir or here)


def _bucket(head: Head) -> str | None:
    """Return the address where outputs go, where that is not a directory."""
    named = head.output.dir
    return named if named is not None and bucket_address.is_url(named) else None


def _nearly_bucket(head: Head) -> Iterator[str]:
    """Warn of a directory that was meant as a bucket."""
    named = head.output.dir or ""
    if bucket_address.is_nearly(named):
        scheme, _, rest = named.strip().partition(":/")
        yield (
            f"output.dir is a folder called {scheme}: on this machine; "
            f"for a bucket write {scheme}://{rest}"
        )


def _refuse_public(head: Head, report: Report) -> None:
    if head.output.public is not None and _bucket(head) is None:
        report.add(
            ("output", "public"),
            "outputs go to a directory of this machine, which has no public address",
            "leave it out, or let output.dir name a bucket",
        )


def _load(
    report: Report, environ: abc.Mapping[str, str], around: Around, *, to_send: bool
) -> tuple[Job, Expansion] | None:
    report.tree = tree = read(report, providers.EXAMPLE_MODEL)
    if tree is None:
        return None
    free = FreeValues(report)
    free.resolve_all(tree)
    head = check_head(tree, report)
    prompts = list(check_prompts(tree, report))
    if head is None:
        return None
    _refuse_public(head, report)
    provider = _provider(head, report)
    if provider is None:
        return None
    plan = _plan(tree, head, prompts, report, provider, around, to_send=to_send)
    shared = account.policy(head.account, environ)
    limits = account.remarks(head.account, shared, environ)
    found = (
        *free.warnings,
        *_model_warning(plan.target),
        *far(plan.sources, plan.folder),
        *unsent(plan.sources, plan.uses),
        *_nearly_bucket(head),
        *limits,
        *_limits(provider, head),
    )
    warnings = Warnings(found)
    expansion = Expansion(plan, Linter(plan, warnings, to_send=to_send))
    return _job(plan, head, expansion, warnings, shared), expansion


def _provider(head: Head, report: Report) -> Provider | None:
    """Find who renders; what is wrong with a description is said with the job's own problems."""
    try:
        found = providers.get(_named(report.file, head))
    except JobFileError as error:
        report.add(("provider",), f"{head.provider} is not a valid description")
        for problem in error.problems:
            report.note(problem)
        return None
    traits = found.traits
    if not traits.slashes and any(sign in head.model for sign in "/:@"):
        report.add(
            ("model",),
            f"{shown(head.model)} is not a model's name",
            f"the last part of its URL: {providers.EXAMPLE_MODEL}",
        )
    if head.credits.budget is not None and head.credits.cost is None and not traits.tells_cost:
        known = found.model(head.model).price
        if known is None:
            report.add(
                ("credits", "budget"),
                f"{found.name} does not report what a generation costs, so a budget could not hold",
                "write its price: credits: {cost: 0.05}",
            )
    return found


def _named(file: Path, head: Head) -> str | None:
    """Name the provider; a description lies beside the job."""
    if head.provider is None or not providers.is_file(head.provider):
        return head.provider
    return str(beside(file, head.provider))


def _limits(provider: Provider, head: Head) -> Iterator[str]:
    most = provider.traits.concurrency
    if most is not None and head.concurrency > most:
        yield (
            f"concurrency: {provider.name} works at {most} at once for a new account; more than"
            " that waits there, or is refused"
        )


def _plan(  # noqa: PLR0913, PLR0917 - what was read, each once
    tree: Mapping,
    head: Head,
    prompts: list[tuple[int, int, PromptKeys]],
    report: Report,
    provider: Provider,
    around: Around,
    *,
    to_send: bool,
) -> Plan:
    file = report.file
    target = Target(provider, head.model)
    _check_params(target, head, prompts, report)
    inputs = InputMaker(file.parent, target, head.inputs, to_send=to_send)
    _check_inputs(inputs, head, prompts, report)
    shared = with_booleans({**target.defaults, **pure(head.params)})
    words = words_of(head.matrix)
    cells = tuple(Cell.of(values, shared, words) for values in combinations(head.matrix, report))
    return Plan(
        file=file,
        name=_name(head, report),
        target=target,
        cells=cells or (Cell.of({}, shared),),
        takes=head.takes,
        vars=pure(head.vars),
        prompt=_template(head.prompt, ("prompt",), report),
        output=_template(head.output.name, ("output", "name"), report, name_template),
        inline=tuple(_items(file, head, prompts, report)),
        sources=tuple(Sources(tree, head, report, around, inputs, to_send=to_send)),
        duplicates=head.duplicates,
        variables=bool(head.vars or head.matrix or has_templates(head.params)),
        pricing=_pricing(tree, head, report),
        uses=names_of(
            [
                *pure([head.prompt, head.output.name, head.params, head.matrix]),
                *written(head.inputs),
            ]
        ),
        inputs=inputs,
        lines={
            f"{section}.{name}": line_of(tree, (section, name))
            for section in ("params", "matrix", "inputs")
            for name in getattr(head, section)
        },
    )


def _check_params(
    target: Target, head: Head, prompts: list[tuple[int, int, PromptKeys]], report: Report
) -> None:
    """Judge parameters where they are written, so that each problem has its line.

    Templates are judged when they are filled; where none is filled, a text with braces is sent.
    """
    folder = report.file.parent
    untouched = [prompt for _, _, prompt in prompts if not _templated(head, prompt)]
    literal = {key for prompt in untouched for key in head.params.keys() - prompt.params.keys()}
    layers: list[tuple[Way, dict[str, Any], bool]] = [
        (("params",), {key: value}, key not in literal) for key, value in head.params.items()
    ]
    layers += [
        (("prompts", index, "params"), prompt.params, _templated(head, prompt))
        for index, _, prompt in prompts
    ]
    for way, params, templated in layers:
        skip = is_template if templated else None
        for wrong in wrong_params(target, with_booleans(params), folder, skip=skip):
            report.add((*way, wrong.key), wrong.message, wrong.hint)
    for axis, index, value in axis_values(head.matrix):
        for wrong in wrong_params(target, with_booleans({axis: value}), folder, skip=is_template):
            report.add(("matrix", axis, index), wrong.message, wrong.hint)


def _check_inputs(
    inputs: InputMaker, head: Head, prompts: list[tuple[int, int, PromptKeys]], report: Report
) -> None:
    """Open the files that no template names, where they are written."""
    for name, wrong in inputs.wrong_literals(head.inputs):
        report.add(("inputs", name), wrong.message, wrong.hint)
    for index, _, prompt in prompts:
        for name, wrong in inputs.wrong_literals(prompt.inputs):
            report.add(("prompts", index, "inputs", name), wrong.message, wrong.hint)


def _templated(head: Head, prompt: PromptKeys) -> bool:
    """Return whether there is something to fill in: then braces are meant."""
    return bool(head.vars or prompt.vars or head.matrix)


def _items(
    file: Path, head: Head, prompts: list[tuple[int, int, PromptKeys]], report: Report
) -> Iterator[Item]:
    origin = Origin(file, is_rows=False)
    for index, line, prompt in prompts:
        yield Item(
            origin,
            index,
            line,
            _id(prompt, ("prompts", index, "id"), report),
            prompt.prompt,
            with_booleans(pure(prompt.params)),
            pure(prompt.vars),
            pure(prompt.meta),
            prompt.priority,
            templated=_templated(head, prompt),
            inputs=prompt.inputs,
            takes=prompt.takes,
        )


def _id(prompt: PromptKeys, way: Way, report: Report) -> str | None:
    try:
        return None if prompt.id is None else checked_id(prompt.id)
    except InvalidError as error:
        report.add(way, error.message, error.hint)
        # A placeholder: without an id, equal prompts would be reported as one task.
        return dotted(way)


def _template(
    source: str | None,
    way: Way,
    report: Report,
    make: Callable[[str], Render] = text_template,
) -> Render | None:
    try:
        return None if source is None else make(source)
    except InvalidError as error:
        report.add(way, error.message, error.hint)
        # So that the rest can be checked without a word about a missing template.
        return lambda scope: str(scope["index"])


def _name(head: Head, report: Report) -> str:
    if head.name is None:
        return report.file.stem.strip(". ") or "job"
    try:
        return checked_id(head.name, "name")
    except InvalidError as error:
        report.add(("name",), error.message, error.hint)
        return "job"


def _model_warning(target: Target) -> Iterator[str]:
    near = unlikely_model(target)
    if near is not None:
        yield f"the model {target.model} is not known here; did you mean {near}?"


def _pricing(tree: Mapping, head: Head, report: Report) -> Pricing | None:
    """Read the template of the price, if it is one."""
    source, way = head.credits.cost, ("credits", "cost")
    if not isinstance(source, str):
        return None
    pricing = Pricing(source, line_of(tree, way))
    try:
        pricing.refuse_what_is_free()
    except InvalidError as error:
        report.add(way, error.message, error.hint)
        return None
    return pricing


def _credits(head: Head, pricing: Pricing | None) -> CreditPolicy:
    written = {**vars(head.credits), "cost": None} if pricing else vars(head.credits)
    return CreditPolicy(**written, pricing=pricing)


def _job(
    plan: Plan, head: Head, expansion: Expansion, warnings: Warnings, shared: AccountPolicy
) -> Job:
    schedule, notify = head.schedule, head.notify

    def found() -> Iterator[Finding]:
        return (one for source in plan.sources for one in source.found)

    return Job(
        path=plan.file,
        name=plan.name,
        model=plan.target.model,
        output_dir=_place(plan.file, head, plan.name),
        bucket=_bucket(head),
        public=head.output.public,
        expand=expansion.tasks,
        expand_rows=expansion.rows,
        count_twins=lambda: expansion.twins,
        concurrency=head.concurrency,
        rate=head.rate,
        timeout=head.timeout,
        patience=head.patience,
        poll=head.poll,
        max_size=head.output.max_size,
        retry=RetryPolicy(**vars(head.retry)),
        credits=_credits(head, plan.pricing),
        schedule=Schedule(*schedule.window, schedule.timezone) if schedule else None,
        notify=Notify(notify.to, tuple(map(str, notify.on))) if notify else None,
        provider=_named(plan.file, head),
        account=shared,
        priority=head.priority,
        expect=Expect(**vars(head.expect)) if head.expect else None,
        remarks=lambda: (*warnings(), *(text for one in found() for text in one.warnings)),
        sheets=lambda: tuple(one.facts() for one in found()),
    )
