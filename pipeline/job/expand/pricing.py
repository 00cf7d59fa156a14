"""The price of a task as a template of its parameters: `credits.cost: "{{ duration * 0.08 }}"`.

It is worked out of the price class, not of the task: the plan, the gate, claims and what other runs
of the account have observed all know a price by its class.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pipeline.amounts import is_money, rounded
from pipeline.job.problems import InvalidError, shown
from pipeline.job.template.templates import UnknownNameError, fill, names_of, value_template
from pipeline.job.yaml.scalars import money, number
from pipeline.models import Task
from pipeline.money.price_class import FREE_PARAMS, price_class


@dataclass(frozen=True, slots=True)
class Pricing:
    """The template, and the line where it is written. Called with a class, it gives the price."""

    source: str
    line: int = field(compare=False)

    def __call__(self, name: str) -> Decimal | None:
        """Return what a price class costs; None where the template does not fit it."""
        price = _priced(self.source, name)
        return price if isinstance(price, Decimal) else None

    def wrong(self, task: Task) -> InvalidError | None:
        """Return why a task has no price, if it has none."""
        price = _priced(self.source, price_class(task))
        if isinstance(price, Decimal):
            return None
        if isinstance(price, UnknownNameError) and price.name in task.params:
            return InvalidError(
                f"the price cannot depend on {price.name}: it is an address, a file or a long text",
                "use parameters that are a choice or a number",
            )
        return price

    def refuse_what_is_free(self) -> None:
        """See that the template is valid and asks for nothing that no price depends on.

        Raises:
            InvalidError: it is not, or it does.
        """
        value_template(self.source)
        if free := sorted(names_of(self.source) & FREE_PARAMS):
            raise InvalidError(
                f"the price cannot depend on {' and '.join(free)}",
                'use other parameters, such as "{{ duration * 0.08 }}"',
            )


@lru_cache(maxsize=4096)
def _priced(source: str, name: str) -> Decimal | InvalidError:
    """Work the price of a class out; a class that it does not fit gives the reason."""
    try:
        scope = {key: _number(value) for key, value in json.loads(name)[1].items()}
    except (ValueError, LookupError, TypeError, AttributeError):  # another program's run named it
        return InvalidError(f"{shown(name)} is not the name of a price class")
    try:
        return _amount(fill(source, scope))
    except UnknownNameError as error:
        if "did you mean" not in (error.hint or ""):
            error.hint = f"where a task does not send it: {{{{ {error.name} | default(5) }}}}"
        return error
    except InvalidError as error:
        return error


def _amount(made: Any) -> Decimal:
    if isinstance(made, float | int) and not isinstance(made, bool):
        price = Decimal(str(made))
        price = rounded(price) if is_money(price) else price
    elif isinstance(made, str):
        price = money(made)
    else:
        price = Decimal(-1)
    if price < 0 or not is_money(price):
        raise InvalidError(
            f"{shown(made)} is not an amount of US dollars", 'such as "{{ duration * 0.08 }}"'
        )
    return price


def _number(value: Any) -> Any:
    """Take a number that a sheet has as text: text times 2 is the text twice."""
    if not isinstance(value, str) or not value[:1].isdigit():
        return value
    try:
        return number(value)
    except InvalidError:
        return value
