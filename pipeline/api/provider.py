"""The port to whoever renders: what a run needs of a provider, and nothing of how it is spoken to.

A provider is stateless and cheap to make. Its session is one connection with one key; an attempt
of a session may be more than one HTTP call.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec

from pipeline.api.inputs import InputRules
from pipeline.api.outcome import Balance, Judgement, Outcome, Page, Progress, Query, Row
from pipeline.models import Handle, Task

if TYPE_CHECKING:  # it imports HTTP, which reading a job does not need
    from pipeline.api.endpoint import Endpoint


class Witness(Protocol):
    """Notes how far an attempt has come, for whoever finds its claim after a kill."""

    def sending(self, worker: str | None = None) -> None:
        """Note that the first byte leaves now, or that `worker` gets the request, elsewhere.

        Raises:
            OSError: it could not be noted; then nothing may leave.
        """

    def answered(self, outcome: Outcome, length: int | None) -> None:
        """Note that a good answer has begun, and how many bytes its body will have."""


class Session(Protocol):
    """An open connection to one provider with one key."""

    @property
    def endpoint(self) -> "Endpoint":
        """Where it leads, and the key."""

    async def attempt(self, task: Task, part: Path, witness: Witness | None = None) -> Outcome:
        """Send a task and bring its output to `part`. Never raises for what came of it.

        Where the provider answers with an id, the outcome has it as `accepted`, and no body.
        """

    async def ask(self, handle: Handle) -> Progress:
        """Ask once, which is free, where a request is. Never raises for what came of it.

        An address of the handle that is not at this provider is not asked, and gets no key. One
        that the provider has forgotten is looked for in its list of requests.
        """

    async def fetch(self, media: str, part: Path) -> Outcome:
        """Bring an output from its address to `part`, without the key. Never raises.

        The outcome says nothing of money: what a file server says of it is not read.
        """

    async def list_requests(self, query: Query, page: int) -> Page:
        """List what was requested with this key, one page, counted from 1. Never raises.

        A provider without such a list answers with a page that is not readable.
        """

    async def balance(self) -> Balance:
        """Ask for the balance, which is free. Never raises for what came of it."""


class Untaken(NamedTuple):
    """A parameter or an input that the request for a task would not have. `kind` is its section."""

    kind: Literal["params", "inputs"]
    name: str
    message: str
    hint: str


Taken = Callable[[str, Mapping[str, Any], Mapping[str, Any]], Sequence[Untaken]]
"""Says what a request would leave out, by its model, parameters and inputs."""


class Traits(msgspec.Struct, frozen=True):
    """In what providers differ, as far as others than the provider must know it.

    With `answers_with_id` it works at a request beyond the answer, and the output is asked for.
    With `slashes` the name of a model may have some, and other signs of an owner or a version. With
    `names_requests` each request bears an id of ours, by which it can be asked for. For `resends`
    seconds a request that is sent again under its id is the same one, and charged once. `every` is
    the seconds between two questions, and `concurrency` how many requests the provider works at,
    where it says so. `stops` says in one line, for people, what will stop a run for money.
    One that `is_free` may have a price all the same, which somebody wrote. `other_key_variable` may
    hold the key as well. With `is_from_file` it is somebody's description, which gets no key but
    its own. `untaken` is there where a request may leave out what a task says. `cost_field` is what
    of an answer says what it has cost.
    """

    slashes: bool = False
    needs_key: bool = True
    names_requests: bool = False
    answers_with_id: bool = False
    resends: float | None = None
    tells_cost: bool = True
    is_free: bool = False
    every: float | None = None
    concurrency: int | None = None
    other_key_variable: str | None = None
    is_from_file: bool = False
    stops: str = ""
    untaken: Taken | None = None
    cost_field: str = "x-cost"


class Parameter(msgspec.Struct, frozen=True):
    """What a model takes under one name.

    `kind` completes the sentence "… is not …", and `hint` says what would be right. `about`,
    `example` and `schema`, the JSON Schema of a value, are for editors.
    """

    kind: str
    hint: str
    accepts: Callable[[Any], bool]
    about: str
    example: Any
    schema: Mapping[str, Any]


class Model(msgspec.Struct, frozen=True):
    """What a provider publishes of one model.

    `price` is in US dollars a generation, `seconds` how long one usually takes. `parameters` is
    None where they are not known, and pass unchecked. `defaults` are sent even when nobody asked.
    """

    price: Decimal | None = None
    seconds: float | None = None
    parameters: Mapping[str, Parameter] | None = None
    defaults: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Provider(Protocol):
    """Whoever renders."""

    @property
    def name(self) -> str:
        """The name in job files and records."""

    @property
    def base_url(self) -> str:
        """The usual base URL, where every key may go."""

    @property
    def key_variable(self) -> str:
        """The environment variable that holds the key."""

    @property
    def url_variable(self) -> str:
        """The environment variable that may hold another base URL."""

    @property
    def models(self) -> Mapping[str, Model]:
        """The models of which something is known, by name."""

    def model(self, name: str) -> Model:
        """What is known of a model; of one that is not known, nothing."""

    @property
    def inputs(self) -> InputRules:
        """Which files it takes beside the parameters, and how they are sent."""

    @property
    def about(self) -> str:
        """Say in one line, for people, how a request is made and its output comes."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that get the key where the base URL is the usual one; else only its own."""

    @property
    def traits(self) -> Traits:
        """In what it differs from others."""

    @property
    def lists_requests(self) -> bool:
        """Whether it lists what was requested, so that a doubt may be settled."""

    def read_row(self, fields: Mapping[str, Any]) -> Row | None:
        """Read a request as its list names the fields; None where it has no id. Pure."""

    @property
    def longest_silence(self) -> float:
        """After how many seconds without a byte a body is given up."""

    def connect(
        self, endpoint: "Endpoint", *, timeout: float, max_size: int
    ) -> AbstractAsyncContextManager[Session]:
        """Open a session.

        `timeout` is for how many seconds an answer may take to begin; a body of more than
        `max_size` bytes is refused.
        """

    def judge(self, task: Task, outcome: Outcome, *, solvent: bool = False) -> Judgement:
        """Say what the outcome of a task means. Pure.

        `solvent` says that the account has the money, whatever the answer says: then the decision
        is not CREDITS.
        """
