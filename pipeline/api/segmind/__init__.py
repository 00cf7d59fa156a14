"""Segmind: its wire, what its answers mean, its models and their prices.

Sources: the vendor's pages for the codes, headers, parameters and prices that it documents;
published logs and third-party harvests for the rest.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from pipeline.api.inputs import IN_THE_REQUEST, InputRules
from pipeline.api.outcome import Decision, Judgement, Outcome, Row
from pipeline.api.provider import Model, Session, Traits
from pipeline.api.segmind.hosts import BASE_URL, HOSTS
from pipeline.api.segmind.models import MODELS
from pipeline.api.timeouts import USUAL, Timeouts
from pipeline.models import Form, Task

if TYPE_CHECKING:  # it imports HTTP, which reading a job does not need
    from pipeline.api.endpoint import Endpoint
    from pipeline.api.segmind.wire import SegmindWire


def _form_of(parameter: str) -> Form:
    """Say how a parameter's file is usually sent.

    The vendor's sample code sends a file, or what is at an address, as base64 without a prefix.
    What is called an address takes one, and a data URI, which is one too.
    """
    is_address = parameter.endswith(("_url", "_urls", "_uri")) or parameter in _FRAMES
    return Form.DATA_URI if is_address else Form.BASE64


# Luma's, which are documented as addresses.
_FRAMES = frozenset({"start_frame", "end_frame"})


class Segmind:
    """The provider; see `pipeline.api.provider.Provider`."""

    name = "segmind"
    base_url = BASE_URL
    key_variable = "SEGMIND_API_KEY"
    url_variable = "SEGMIND_BASE_URL"
    models: Mapping[str, Model] = MODELS
    inputs = InputRules(IN_THE_REQUEST | {Form.URL, Form.UPLOAD}, _form_of)
    about = "v1: one call, which stays open until its answer, the output"
    hosts: tuple[str, ...] = HOSTS
    traits = Traits()
    lists_requests = True

    def __init__(self, timeouts: Timeouts = USUAL) -> None:
        self.timeouts = timeouts

    def model(self, name: str) -> Model:
        """What is known of a model; of one that is not known, nothing."""
        return MODELS.get(name, Model())

    @property
    def longest_silence(self) -> float:
        """After how many seconds without a byte a body is given up."""
        return self.timeouts.stall

    def connect(
        self, endpoint: "Endpoint", *, timeout: float = 600.0, max_size: int = 2 * 1024**3
    ) -> AbstractAsyncContextManager[Session]:
        """Open a session."""
        # Reading a job needs no HTTP library, which takes long to import; and what judges answers
        # is here before the first of them, which the event loop would stand still for.
        import pipeline.api.segmind.judging  # noqa: F401, PLC0415
        from pipeline.api.client import Client  # noqa: PLC0415

        return Client(
            self._wire(endpoint),
            endpoint,
            timeout=timeout,
            max_size=max_size,
            timeouts=self.timeouts,
        )

    def _wire(self, endpoint: "Endpoint") -> "SegmindWire":
        from pipeline.api.segmind.wire import SegmindWire  # noqa: PLC0415 - it imports HTTP

        return SegmindWire(endpoint)

    def read_row(self, fields: Mapping[str, Any]) -> Row | None:
        """Read a request as its list names the fields; None where it has no id."""
        from pipeline.api.segmind.rows import read_row  # noqa: PLC0415 - reading a job needs none

        return read_row(fields)

    def judge(self, task: Task, outcome: Outcome, *, solvent: bool = False) -> Judgement:
        """Say what the outcome of a task means, by the table."""
        from pipeline.api.segmind.judging import judge  # noqa: PLC0415 - reading a job needs none

        return judge(task, outcome, solvent=solvent)


_NOT_FOUND = 404
_ONLY_V1 = "if v2 does not have the model, set `provider: segmind`, which uses v1"


class SegmindV2(Segmind):
    """The same vendor, whose answer to a call is an id: its output is asked for."""

    name = "segmind-v2"
    about = "v2: a call is answered with an id, by which its output is asked for until it is there"
    traits = Traits(answers_with_id=True)

    def _wire(self, endpoint: "Endpoint") -> "SegmindWire":
        from pipeline.api.segmind.wire import SegmindV2Wire  # noqa: PLC0415 - it imports HTTP

        return SegmindV2Wire(endpoint)

    def judge(self, task: Task, outcome: Outcome, *, solvent: bool = False) -> Judgement:
        """Say what the outcome of a task means; a model that is not found may be one of v1."""
        meaning = super().judge(task, outcome, solvent=solvent)
        if outcome.status == _NOT_FOUND and meaning.decision is Decision.STOP:
            return replace(meaning, advice=f"{meaning.advice}; {_ONLY_V1}")
        return meaning
