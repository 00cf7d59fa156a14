"""One prompt → its tasks: every combination of the matrix, every take."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from pipeline.job.expand.inputs import InputMaker, InputsError, hashed
from pipeline.job.expand.names import default_name, label_slug, matrix_words, safe_name
from pipeline.job.expand.pricing import Pricing
from pipeline.job.identity import hashed_id, matrix_suffix, take_suffix
from pipeline.job.items import Duplicates, Item
from pipeline.job.keys.params import AUTO, SEED, Target, auto_seed, with_booleans, wrong_params
from pipeline.job.problems import InvalidError
from pipeline.job.prompts.source import Source
from pipeline.job.template.templates import (
    Make,
    Render,
    fill,
    has_templates,
    is_template,
    text_template,
)
from pipeline.job.yaml.scalars import CONTROL
from pipeline.models import Task, fingerprint


class Cell(msgspec.Struct, frozen=True):
    """One combination of the matrix, with what every prompt has in common in it.

    `values` are for templates, and those that `axes` names are sent. `params` are the job's with
    these over them; `suffix` goes into identities, `words` into names.
    """

    values: dict[str, Any]
    axes: frozenset[str]
    params: dict[str, Any]
    suffix: str
    words: str
    has_templates: bool

    @classmethod
    def of(
        cls, values: dict[str, Any], params: dict[str, Any], words: frozenset[str] = frozenset()
    ) -> "Cell":
        """Work out a cell; `words` names the values that are for templates alone."""
        axes = frozenset(values) - words
        sent = {**params, **{key: value for key, value in values.items() if key in axes}}
        suffix, name = matrix_suffix(values), matrix_words(values)
        return cls(values, axes, sent, suffix, name, has_templates(sent))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job expands, read and checked as far as it can be without its rows.

    `variables` says whether the job has any, so that a bare text is a template; `uses` are the
    names that its own templates ask for; `lines` says where the job's own parameters and inputs
    stand, by their keys.
    """

    file: Path
    name: str
    target: Target
    cells: tuple[Cell, ...]
    takes: int
    vars: dict[str, Any]
    prompt: Render | None
    output: Render | None
    inline: tuple[Item, ...]
    sources: tuple[Source, ...]
    duplicates: Duplicates
    variables: bool
    uses: frozenset[str]
    inputs: InputMaker
    pricing: Pricing | None = None
    lines: dict[str, int] = field(default_factory=dict)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", self.file.parent)  # once, not for each row

    def takes_of(self, item: Item) -> int:
        """Return how many renders of a prompt there are."""
        return self.takes if item.takes is None else item.takes


def make_tasks(plan: Plan, item: Item, index: int) -> Iterator[Task]:
    """Yield the tasks of one prompt, in the order of the matrix.

    Raises:
        InvalidError: when the prompt, its parameters or its names cannot be made.
    """
    first = plan.cells[0]
    overrides = item.params.keys() & first.axes if item.params else None
    prints: dict[str, Cell] = {}
    may_be_twins = overrides or len(first.axes) < len(first.values)
    takes, post = plan.takes_of(item), item.id or ""
    has_inputs = plan.inputs.has_any(item.inputs)
    label, line = "", f"{item.origin.file_from(plan.folder)}:{item.line}"
    for cell in plan.cells:
        for take in range(1, takes + 1):
            scope = _scope(plan, item, index, cell, take)
            params = _params(plan, item, cell, scope)
            inputs = plan.inputs.make(item.inputs, params, scope) if has_inputs else {}
            task = _identity(item, cell, take, hashed(params, inputs))
            if params.get(SEED) == AUTO:
                params[SEED] = auto_seed(plan.target, task)
            digest = fingerprint(plan.target.model, params, inputs)
            if may_be_twins and take == 1 and (item.id or plan.duplicates is Duplicates.ERROR):
                _refuse_twins(cell, prints.setdefault(digest, cell), overrides)
            if plan.output is None:
                label = label or label_slug(_label(item) or params["prompt"])
                output = default_name(label, cell.words, take, task)
            else:
                output = safe_name(plan.output({"prompt": params["prompt"], **scope}))
            post = post or task
            yield Task(
                id=task,
                model=plan.target.model,
                params=params,
                fingerprint=digest,
                output=output,
                meta=item.meta,
                inputs=inputs,
                priority=item.priority,
                line=line,
                verdict=item.verdict,
                own_id=item.id or "",
                post=post,
                values=_values(cell, params, scope) if cell.values else cell.values,
                take=take if takes > 1 else 0,
            )


def _values(cell: Cell, params: dict[str, Any], scope: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the matrix as they are sent, and as templates see the others."""
    return {
        name: params[name] if name in cell.axes else scope.get(name, value)
        for name, value in cell.values.items()
    }


def words_of(plan: Plan, item: Item, index: int) -> Iterator[dict[str, Any]]:
    """Yield for each task of a prompt its variables and its values of the matrix, filled."""
    for cell in plan.cells:
        for take in range(1, plan.takes_of(item) + 1):
            scope = _scope(plan, item, index, cell, take)
            words = {**item.vars, **cell.values}
            yield {name: scope.get(name, value) for name, value in words.items()}


def explained(
    plan: Plan, item: Item, index: int, error: InvalidError
) -> Iterator[tuple[str, InvalidError]]:
    """Yield what is wrong with a prompt, each with the template that fails, if one does.

    `error` is what its tasks failed with, at the first template of several.
    """
    found = set()
    for where, wrong in _wrong_templates(plan, item, index):
        found |= {wrong.message, f"{where}: {wrong.message}"}
        yield f"{where}: ", wrong
    if error.message not in found:
        yield "", error


def _wrong_templates(plan: Plan, item: Item, index: int) -> Iterator[tuple[str, InvalidError]]:
    cell = plan.cells[0]
    try:
        scope = _scope(plan, item, index, cell, 1)
    except InvalidError as error:
        yield "matrix", error
        return
    prompt = item.prompt or ""
    for where, make in _templates(plan, item, cell):
        try:
            made = make({"prompt": prompt, **scope} if where == "output.name" else scope)
        except InvalidError as error:
            yield where, error
        else:
            prompt = made if where == "prompt" else prompt
    try:
        plan.inputs.make(item.inputs, {**cell.params, **item.params}, scope)
    except InputsError as error:
        yield from ((f"inputs.{name}", wrong) for name, wrong in error.wrong)


def _templates(plan: Plan, item: Item, cell: Cell) -> Iterator[tuple[str, Make]]:
    if item.prompt is None and plan.prompt is not None:
        yield "prompt", plan.prompt
    if item.templated:
        if item.prompt is not None:
            yield "prompt", partial(_rendered, item.prompt)
        for key, value in {**cell.params, **item.params}.items():
            if key not in cell.values:  # those are filled with the scope
                yield f"params.{key}", partial(fill, value)
    if plan.output is not None:
        yield "output.name", plan.output


def _rendered(source: str, scope: dict[str, Any]) -> str:
    return text_template(source)(scope)


def _label(item: Item) -> str | None:
    """Return what a person calls a prompt: a clip of another job may have a hash for its id."""
    hashed = item.of_job and item.id is not None and item.id.startswith("~")
    return None if hashed else item.id


def _identity(item: Item, cell: Cell, take: int, params: dict[str, Any]) -> str:
    identity = hashed_id(params) if item.id is None else item.id + cell.suffix
    return identity + take_suffix(take)


def _refuse_twins(cell: Cell, first: Cell, overrides: set[str] | None) -> None:
    if first is cell:
        return
    words = [k for k in cell.values if k not in cell.axes and cell.values[k] != first.values[k]]
    if words:
        named = ", ".join(words)
        raise InvalidError(
            f"two identical tasks: nothing that is sent depends on {named} of matrix.vars",
            f"write {{{{ {words[0]} }}}} into the prompt, or use takes for several renders of it",
        )
    raise InvalidError(
        "two identical tasks: the prompt's own "
        f"{', '.join(sorted(overrides or ()))} overrides the matrix",
        "leave it out here, or use takes for several renders of the same",
    )


def _scope(plan: Plan, item: Item, index: int, cell: Cell, take: int) -> dict[str, Any]:
    """Gather the names of a template; what stands closer to the prompt wins."""
    unnamed = plan.output is None and not plan.inputs.has_any(item.inputs)
    if unnamed and not item.templated and item.prompt is not None:
        return {}
    values = cell.values
    if item.params and not cell.axes.isdisjoint(item.params):
        # What is sent, not what the matrix would have sent.
        values = {**values, **{key: item.params[key] for key in cell.axes if key in item.params}}
    scope = {"name": plan.name, "index": index, "take": take, **plan.vars, **item.vars, **values}
    if item.id is not None:
        scope["id"] = item.id
    if item.templated and has_templates(values):
        _fill_values(scope, values)
    return scope


def _fill_values(scope: dict[str, Any], values: dict[str, Any]) -> None:
    """Fill the values of the matrix; one that is a template cannot name another."""
    templates = {key: value for key, value in values.items() if has_templates(value)}
    others = {key: value for key, value in scope.items() if key not in templates}
    scope.update(with_booleans(fill(templates, others)))


def _params(plan: Plan, item: Item, cell: Cell, scope: dict[str, Any]) -> dict[str, Any]:
    """Make exactly the body that is sent."""
    params = {"prompt": _prompt(plan, item, scope), **cell.params}
    if item.params:
        params.update(item.params)
    if item.templated and (cell.has_templates or (item.params and has_templates(item.params))):
        return _filled(plan, params, scope)
    return params


def _filled(plan: Plan, params: dict[str, Any], scope: dict[str, Any]) -> dict[str, Any]:
    made, judged = dict(params), {}
    for key, value in params.items():
        if key != "prompt" and has_templates(value):
            made[key] = judged[key] = fill(value, scope)
    made, judged = with_booleans(made), with_booleans(judged)
    for wrong in wrong_params(plan.target, judged, plan.folder):
        raise InvalidError(f"params.{wrong.key}: {wrong.message}", wrong.hint)
    return made


def _prompt(plan: Plan, item: Item, scope: dict[str, Any]) -> str:
    if item.prompt is None:
        if plan.prompt is None:
            raise InvalidError("there is no prompt", "write one, or a prompt template for the job")
        text = plan.prompt(scope)
    elif item.templated and is_template(item.prompt):
        text = text_template(item.prompt)(scope)
    else:
        text = item.prompt
    if not text.isprintable() and (match := CONTROL.search(text)):
        code = f"U+{ord(match.group()):04X}"
        raise InvalidError(f"the prompt contains a control character ({code})")
    if not text.strip():
        raise InvalidError("the template leaves the prompt empty")
    return text
