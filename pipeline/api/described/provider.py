"""A provider that is a description; see `pipeline.api.provider.Provider`."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.api.described.compiling import variable_of
from pipeline.api.described.description import Description, Inputs
from pipeline.api.described.judging import judge
from pipeline.api.described.taking import Taking
from pipeline.api.described.telling import money
from pipeline.api.described.words import At, By, Encode
from pipeline.api.inputs import IN_THE_REQUEST, InputRules
from pipeline.api.outcome import Judgement, Outcome, Row
from pipeline.api.provider import Model, Session, Traits
from pipeline.api.timeouts import USUAL, Timeouts
from pipeline.models import Form, Task

if TYPE_CHECKING:  # it imports HTTP, which reading a job does not need
    from pipeline.api.endpoint import Endpoint


class Described:
    """The provider of a description."""

    def __init__(
        self,
        description: Description,
        timeouts: Timeouts = USUAL,
        *,
        is_from_file: bool = False,
    ) -> None:
        self.description = description
        self.timeouts = timeouts
        self.name = description.name
        self.base_url = description.base_url
        self.key_variable = description.env
        self.url_variable = f"{variable_of(description.name)}_BASE_URL"
        self.models: Mapping[str, Model] = description.models
        self.about = description.about
        self.hosts = description.hosts
        self.lists_requests = description.resolve.by in {By.LIST, By.LOOKUP}
        self.inputs = rules_of(description)
        self.traits = Traits(
            slashes=description.path.slash or "model" not in description.path.names,
            needs_key=description.header is not None,
            names_requests=True,  # a submit may send it, whether or not it can be asked for
            answers_with_id=description.poll is not None,
            resends=description.resolve.window if description.resolve.by is By.RESEND else None,
            tells_cost=description.tells_cost,
            is_free=description.billing is At.FREE,
            every=description.poll.every if description.poll else None,
            concurrency=description.concurrency,
            other_key_variable=f"{variable_of(description.name)}_API_KEY",
            is_from_file=is_from_file,
            stops=money(description),
            untaken=Taking(description),
            cost_field=_cost_field(description),
        )

    def model(self, name: str) -> Model:
        """What is known of a model; of one that is not known, nothing."""
        return self.models.get(name, Model())

    @property
    def longest_silence(self) -> float:
        """After how many seconds without a byte a body is given up."""
        return self.timeouts.stall

    def connect(
        self, endpoint: "Endpoint", *, timeout: float = 600.0, max_size: int = 2 * 1024**3
    ) -> AbstractAsyncContextManager[Session]:
        """Open a session."""
        # Reading a job needs no HTTP library, which takes long to import.
        from pipeline.api.described.client import DescribedClient  # noqa: PLC0415
        from pipeline.api.described.wire import DescribedWire  # noqa: PLC0415

        return DescribedClient(
            DescribedWire(self.description, endpoint),
            endpoint,
            timeout=timeout,
            max_size=max_size,
            max_input=max(self.inputs.max_bytes, self.inputs.max_upload),
            timeouts=self.timeouts,
        )

    def read_row(self, fields: Mapping[str, Any]) -> Row | None:
        """Read a request as its list names the fields; None where it has no id."""
        from pipeline.api.described.places import Places  # noqa: PLC0415 - it imports HTTP
        from pipeline.api.described.rows import Rows  # noqa: PLC0415

        return Rows(self.description, Places.of(self.description, self.base_url)).row(fields)

    def judge(self, task: Task, outcome: Outcome, *, solvent: bool = False) -> Judgement:  # noqa: ARG002
        """Say what the outcome of a task means, by the description's rules."""
        return judge(self.description, outcome, solvent=solvent)


def _cost_field(description: Description) -> str:
    told = description.answer or description.result
    found = None if told is None else told.cost or told.units
    return "cost" if found is None else found.text


def rules_of(description: Description) -> InputRules:
    """Take what a description says of inputs: in which forms a file can be sent."""
    told, usual = description.inputs, InputRules()
    forms = IN_THE_REQUEST | {Form.URL}
    if description.with_inputs.encode is Encode.MULTIPART:
        forms |= {Form.MULTIPART}
    if told.upload is not None:
        forms |= {Form.UPLOAD}
    return InputRules(
        forms=forms,
        form_of=partial(_form_of, told),
        max_bytes=told.max_bytes or usual.max_bytes,
        max_upload=(told.upload and told.upload.max_bytes) or usual.max_upload,
        types=told.types or usual.types,
    )


def _form_of(told: Inputs, parameter: str) -> Form:
    return Form(told.parameters.get(parameter, told.form))
