"""A job file's way to a `Job`, from top to bottom."""

import os
import re
from collections import abc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.api import providers
from pipeline.common import bucket_address
from pipeline.job.expand.expansion import MOST_SEARCHED, Expansion
from pipeline.job.expand.lint import Linter, Warnings
from pipeline.job.expand.making import Cell, Plan
from pipeline.job.expand.matrix import axis_values, combinations
from pipeline.job.identity import checked_id
from pipeline.job.items import Item, Origin
from pipeline.job.keys import account
from pipeline.job.keys.checking import check_head, check_prompts
from pipeline.job.keys.document import Head, PromptKeys
from pipeline.job.keys.free import FreeValues
from pipeline.job.keys.params import Target, unlikely_model, with_booleans, wrong_params
from pipeline.job.nodes import Mapping, Way, dotted, pure
from pipeline.job.problems import InvalidError, Report, TooManyProblemsError
from pipeline.job.prompts.rows import check_file
from pipeline.job.template.templates import (
    Render,
    has_templates,
    is_template,
    name_template,
    names_of,
    text_template,
)
from pipeline.job.yaml.reader import read
from pipeline.models import AccountPolicy, CreditPolicy, Job, Notify, RetryPolicy, Schedule

_UNSAFE = re.compile(r"[^\w .-]")


def load(
    path: Path,
    *,
    to_send: bool = True,
    most_searched: int = MOST_SEARCHED,
    environ: abc.Mapping[str, str] = os.environ,
) -> Job:
    """Read and check a job file.

    What a row says and its request would not is a problem only where it is `to_send`: the clips
    that are there can be looked at all the same. `environ` has the limits of the account that the
    job file does not set.

    Raises:
        JobFileError: with every problem at once, each with its line.
        UsageError: a limit in `environ` cannot be read.
    """
    report = Report(Path(os.path.abspath(path)))  # noqa: PTH100 - keeps symlinks as they are
    try:
        job = _load(report, most_searched, environ, to_send=to_send)
    except TooManyProblemsError:
        job = None
    if job is None or report.problems:
        raise report.error() from None
    return job


def place(path: Path) -> Path:
    """Return the output directory of a job file, whose prompts and rows need not be valid.

    Raises:
        JobFileError: what says the directory cannot be read.
    """
    report = Report(Path(os.path.abspath(path)))  # noqa: PTH100 - keeps symlinks as they are
    report.tree = tree = read(report)
    head = None if tree is None else check_head(tree, report)
    name = "" if head is None else _name(head, report)
    wrong = any(problem.key.partition(".")[0] in {"name", "output"} for problem in report.problems)
    if head is None or wrong:
        raise report.error()
    return _place(report.file, head, name)


def _place(file: Path, head: Head, name: str) -> Path:
    here = "outputs/" + _UNSAFE.sub("-", name)
    return _beside(file, here if _bucket(head) else head.output.dir or here)


def _bucket(head: Head) -> str | None:
    """Return the address where outputs go, where that is not a directory."""
    named = head.output.dir
    return named if named is not None and bucket_address.is_url(named) else None


def _refuse_public(head: Head, report: Report) -> None:
    if head.output.public is not None and _bucket(head) is None:
        report.add(
            ("output", "public"),
            "outputs go to a directory of this machine, which has no public address",
            "leave it out, or let output.dir name a bucket",
        )


def _load(
    report: Report, most_searched: int, environ: abc.Mapping[str, str], *, to_send: bool
) -> Job | None:
    report.tree = tree = read(report)
    if tree is None:
        return None
    free = FreeValues(report)
    free.resolve_all(tree)
    head = check_head(tree, report)
    prompts = list(check_prompts(tree, report))
    if head is None:
        return None
    _refuse_public(head, report)
    plan = _plan(tree, head, prompts, report)
    shared = account.policy(head.account, environ)
    limits = account.remarks(head.account, shared, environ)
    found = (*free.warnings, *_model_warning(plan.target), *_far_sources(plan), *limits)
    warnings = Warnings(found)
    expansion = Expansion(plan, Linter(plan, warnings, to_send=to_send))
    if plan.inline or plan.sources:
        expansion.preview(report, most_searched)
    return _job(plan, head, expansion, warnings, shared)


def _plan(
    tree: Mapping, head: Head, prompts: list[tuple[int, int, PromptKeys]], report: Report
) -> Plan:
    file = report.file
    target = Target(providers.get(head.provider), head.model)
    _check_params(target, head, prompts, report)
    shared = with_booleans({**target.defaults, **pure(head.params)})
    cells = tuple(Cell.of(values, shared) for values in combinations(head.matrix, report))
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
        sources=tuple(_sources(tree, head, report)),
        duplicates=head.duplicates,
        variables=bool(head.vars or head.matrix or has_templates(head.params)),
        uses=names_of(pure([head.prompt, head.output.name, head.params, head.matrix])),
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


def _sources(tree: Mapping, head: Head, report: Report) -> Iterator[Path]:
    several = isinstance(tree.get("prompts_from"), list)
    seen: set[Path] = set()
    for index, name in enumerate(head.prompts_from):
        path = _beside(report.file, name)
        try:
            check_file(path, seen)
        except InvalidError as error:
            way: Way = ("prompts_from", index) if several else ("prompts_from",)
            report.add(way, error.message, error.hint)
            continue
        seen.add(path)
        yield path
    if not tree.get("prompts_from") and not tree.get("prompts"):
        report.at(1, "there is nothing to render", "list prompts, or name a file: prompts_from")


def _far_sources(plan: Plan) -> Iterator[str]:
    """Warn of files of prompts that are not the job's: a job from elsewhere may name any."""
    folder = os.path.realpath(plan.file.parent)
    for path in plan.sources:
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(folder):
            yield f"prompts_from: {path.name} is outside the job's folder: {real}"


def _beside(file: Path, name: str) -> Path:
    """Make a path of the job file absolute: it is relative to the job file."""
    expanded = os.path.expanduser(name)  # noqa: PTH111 - Path's own raises where there is no home
    return Path(os.path.normpath(os.path.join(file.parent, expanded)))  # noqa: PTH118


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


def _job(
    plan: Plan, head: Head, expansion: Expansion, warnings: Warnings, shared: AccountPolicy
) -> Job:
    schedule, notify = head.schedule, head.notify
    return Job(
        path=plan.file,
        name=plan.name,
        model=plan.target.model,
        output_dir=_place(plan.file, head, plan.name),
        bucket=_bucket(head),
        public=head.output.public,
        expand=expansion.tasks,
        concurrency=head.concurrency,
        rate=head.rate,
        timeout=head.timeout,
        patience=head.patience,
        poll=head.poll,
        max_size=head.output.max_size,
        retry=RetryPolicy(**vars(head.retry)),
        credits=CreditPolicy(**vars(head.credits)),
        schedule=Schedule(*schedule.window, schedule.timezone) if schedule else None,
        notify=Notify(notify.to, tuple(map(str, notify.on))) if notify else None,
        provider=head.provider,
        account=shared,
        priority=head.priority,
        remarks=warnings,
    )
