"""A description of a provider, checked and compiled: plain data. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from pipeline.amounts import rounded
from pipeline.api import values
from pipeline.api.described.expressions import Body, Expression, Template
from pipeline.api.described.rules import Rule
from pipeline.api.described.words import At, By, Charged, Encode, Form, Grade, Method
from pipeline.api.outcome import RequestState
from pipeline.api.provider import Model
from pipeline.api.wire import Request
from pipeline.models import Rate


@dataclass(frozen=True, slots=True)
class Address:
    """Where something is asked: as an answer has told (`told` names it), else as `built`."""

    told: str | None = None
    built: Template | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """How something is asked: by which method, and with which body."""

    method: str = "GET"
    body: Body | None = None

    def request(self, url: str, key: Mapping[str, str], names: Mapping[str, Any]) -> Request:
        """Make the request, with what `names` says in its body."""
        if self.method == Method.GET:
            return Request(self.method, url, key)
        content = b"" if self.body is None else msgspec.json.encode(self.body(names))
        return Request(self.method, url, {"content-type": "application/json", **key}, content)


@dataclass(frozen=True, slots=True)
class Handling:
    """Where an answer, or a row, has the id of a request and its addresses."""

    id: Expression
    addresses: Mapping[str, Expression] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Media:
    """Where an answer has an output and its facts; without `media` it is the output itself."""

    media: Expression | None
    form: Form
    id: Expression | None = None
    cost: Expression | None = None
    scale: Decimal | None = None
    units: Expression | None = None
    remaining: Expression | None = None
    seconds: Expression | None = None
    seed: Expression | None = None
    rules: tuple[Rule, ...] = ()

    def read_cost(
        self, body: Any, headers: Mapping[str, str], unit: Decimal | None = None
    ) -> Decimal | None:
        """Read what it has cost, in US dollars; None where that is not told."""
        if self.cost is not None:
            return scaled(values.amount(self.cost.find(body, headers)), self.scale)
        if self.units is not None and unit is not None:
            return scaled(values.amount(self.units.find(body, headers)), unit)
        return None

    def read_remaining(self, body: Any, headers: Mapping[str, str]) -> Decimal | None:
        """Read the balance that is left, in US dollars."""
        if self.remaining is None:
            return None
        return scaled(values.balance(self.remaining.find(body, headers)), self.scale)


def scaled(amount: Decimal | None, scale: Decimal | None) -> Decimal | None:
    """Return an amount in US dollars: exactly, and to what is counted with."""
    return None if amount is None else rounded(amount * (1 if scale is None else scale))


@dataclass(frozen=True, slots=True)
class Poll:
    """How a request is asked for."""

    url: Address
    call: Call
    state: Expression
    states: Mapping[str, RequestState]
    moderated: frozenset[str]
    every: float | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Resolve:
    """How an attempt whose answer was lost is found again."""

    by: By
    url: Template | None = None
    call: Call = Call()
    rows: Expression | None = None
    handle: Handling | None = None
    sent: Expression | None = None
    created: Expression | None = None
    model: Expression | None = None
    state: Expression | None = None
    cost: Expression | None = None
    next: Expression | None = None
    settle: float = 60.0
    is_proof: bool = False
    compares_body: bool = False
    window: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """What a failed request says."""

    error: Expression | None
    code: Expression | None
    charged: Charged
    moderated: tuple[str, ...]
    retry: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BalanceCall:
    """How the balance is asked for."""

    url: Template
    call: Call
    value: Expression
    scale: Decimal | None


@dataclass(frozen=True, slots=True)
class Sending:
    """Where a submit goes, and what is in it. `ignores` are parameters that it leaves out."""

    path: Template
    body: Body
    encode: Encode
    ignores: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Upload:
    """How a file is uploaded; `field` is its field in a form, `put` where its bytes go after."""

    url: Template
    method: str
    body: Body | None
    field: str | None
    put: Expression | None
    found: Expression
    lives: float | None
    max_bytes: int | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """How media go in: the usual form, and that of some parameters."""

    form: Form
    max_bytes: int | None
    types: tuple[str, ...]
    parameters: Mapping[str, Form]
    upload: Upload | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All that is known of a provider."""

    name: str
    base_url: str
    about: str
    docs: tuple[str, ...]
    checked: str | None
    grade: Grade
    header: str | None
    value: str
    env: str
    hosts: tuple[str, ...]
    method: str
    headers: Mapping[str, str]
    usual: Sending
    with_inputs: Sending
    handle: Handling | None
    rules: tuple[Rule, ...]
    answer: Media | None
    poll: Poll | None
    result: Media | None
    result_url: Address | None
    failed: Failed
    resolve: Resolve
    balance: BalanceCall | None
    billing: At
    concurrency: int | None
    rate: Rate | None
    inputs: Inputs
    models: Mapping[str, Model]
    units: Mapping[str, Decimal]
    lives: tuple[tuple[str, float], ...]

    @property
    def path(self) -> Template:
        """Where a submit without inputs goes."""
        return self.usual.path

    @property
    def body(self) -> Body:
        """What is in a submit without inputs."""
        return self.usual.body

    @property
    def tells_cost(self) -> bool:
        """Whether answers say what a generation has cost."""
        told = self.answer or self.result
        units = told is not None and told.units is not None and bool(self.units)
        return self.billing is At.FREE or units or (told is not None and told.cost is not None)
