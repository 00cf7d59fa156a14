"""How a provider is spoken to: requests to send and answers to read. No I/O."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pipeline.api.outcome import Page, Progress, Query
from pipeline.models import Handle, Task

if TYPE_CHECKING:  # it imports HTTP, which reading a job does not need
    from pipeline.api.origin import Origin


@dataclass(frozen=True, slots=True)
class Uploading:
    """A file to upload. Where its `bytes` or its `base64` stand in a body, the file is sent."""

    type: str
    name: str
    size: int
    sha256: str
    bytes: str
    base64: str

    @property
    def data_uri(self) -> str:
        """The text of a data URI."""
        return f"data:{self.type};base64,{self.base64}"


@dataclass(frozen=True, slots=True)
class Part:
    """A file in a form; in place of `mark` it is sent as it is."""

    mark: str
    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send; its length and what is the same for all are added on the way.

    With `is_abroad` an answer has told where to: it may be any host's, and never gets the key.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # one holds the key
    content: bytes = field(default=b"", repr=False)
    is_abroad: bool = False


@dataclass(frozen=True, slots=True)
class Reported:
    """What the headers of an answer report; texts are as they came."""

    remaining: Decimal | None = None
    cost: Decimal | None = None
    request_id: str | None = None
    seed: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a free request. The names of its headers are in lower case.

    `detail` says in one line, for people, why it has not come, or not as a whole: then `status` is
    None where nothing came at all, and `text` may be cut.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: bytes = field(default=b"", repr=False)
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is a whole answer of the 2xx kind."""
        return self.status is not None and 200 <= self.status < 300 and not self.detail  # noqa: PLR2004


T = TypeVar("T")
Conversation = Generator[Request, Reply, T]
"""Free requests, each of which may depend on the answers before it, and what they have told."""


Uploaded = Generator[Request, bytes, str | None]
"""The requests of an upload, and what stands for the file in the request that pays."""


class Wire(Protocol):
    """Makes the requests of one provider, and reads its answers. It sends nothing itself."""

    @property
    def origins(self) -> "frozenset[Origin]":
        """Where the key may go."""

    @property
    def answers_with_id(self) -> bool:
        """Whether the answer to a submit is an id, and not the output."""

    def submit(self, task: Task, inputs: Mapping[str, Any] = ...) -> Request:
        """Make the request that pays for a task.

        `inputs` has the values of its inputs: addresses, and texts of which some are marks, in
        whose places files are sent; see `pipeline.api.content`.
        """

    @property
    def uploads_live(self) -> float | None:
        """For how many seconds what was uploaded can be used; None is as long as a run."""

    def upload(self, file: Uploading) -> Uploaded:
        """Make the requests that upload a file, and read what its parameter is sent as.

        Each request is answered with the text of a good answer. None is no address.
        """

    def read_id(self, text: bytes, task: Task) -> Handle | None:
        """Read what the answer to the submit of a task calls it; None where it does not say."""

    def ask(self, handle: Handle) -> Conversation[Progress]:
        """Ask where a request is."""

    def list_requests(self, query: Query, page: int) -> Conversation[Page]:
        """Ask for one page of the list of requests."""

    def balance(self) -> Request:
        """Make the request for the balance."""

    def read_balance(self, text: bytes) -> Decimal | None:
        """Read the balance, in US dollars; None where the answer does not say."""

    def read_headers(self, headers: Mapping[str, str]) -> Reported:
        """Read the headers of an answer; their names are in lower case."""
