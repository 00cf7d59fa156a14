"""The keys of a description, in the order in which people read them."""

from typing import Any

from pipeline.api.described.kinds import (
    ANY,
    CODES,
    FLAG,
    HEADERS,
    LINE,
    LINES,
    PROVIDER,
    VALUES,
    VARIABLE,
    choice,
    mappings,
    optional,
)  # fmt: skip
from pipeline.api.described.words import (
    Absence,
    At,
    By,
    Charged,
    Compare,
    Encode,
    Form,
    Grade,
    Method,
    Then,
)  # fmt: skip
from pipeline.job.keys.fields import FREE, MONEY, RATE, SECONDS, SIZE, WHOLE
from pipeline.job.keys.mappings import Strict, declare, mapping


class RuleKeys(Strict):
    """What an answer leads to: the first that matches."""

    status: tuple[int, ...] = declare(CODES, "HTTP codes; any without it.", default=())
    where: str | None = optional(LINE, "JMESPath over the body.")
    values: tuple[Any, ...] = declare(VALUES, "What it finds: one of these.", default=())
    text: str | None = optional(LINE, "Pattern in the text of the answer.")
    then: Then = declare(choice(*Then), "What follows.")
    charged: Charged | None = optional(choice(*Charged), "Whether it may cost.")
    why: str | None = optional(LINE, "For people.")


RULES = mappings(RuleKeys)


class AuthKeys(Strict):
    """How the key is sent, and where it may go."""

    header: str = optional(LINE, "The header.", "authorization")
    value: str = optional(LINE, "Its value, with {key}.", "Bearer {key}")
    env: str | None = optional(VARIABLE, "The variable of the key.")
    hosts: tuple[str, ...] = declare(LINES, "Other hosts that may see the key.", default=())


ASKED_BY: Any = optional(choice(Method.GET, Method.POST), "GET, or POST.", Method.GET)
ASKED_WITH: Any = optional(ANY, "What is asked, with method: POST; a tree as in submit.", None)


class HandleKeys(Strict):
    """What the answer to a submit calls the request."""

    id: str = declare(LINE, "JMESPath to the id.")
    status: str | None = optional(LINE, "JMESPath to the address of its state.")
    result: str | None = optional(LINE, "JMESPath to the address of its result.")


class WithInputsKeys(Strict):
    """What is otherwise where a task has inputs."""

    path: str | None = optional(LINE, "Its path.")
    body: Any = optional(ANY, "Its body.", None)
    encode: Encode | None = optional(choice(*Encode), "json, or multipart: a form.")
    ignores: tuple[Any, ...] = declare(VALUES, "Parameters that are not sent.", default=())


class SubmitKeys(Strict):
    """The request that pays."""

    method: Method = optional(choice(Method.POST, Method.PUT), "POST or PUT.", Method.POST)
    path: str = declare(LINE, "Its path.")
    slash: bool = optional(FLAG, "Whether a model keeps its slashes.", False)
    headers: dict[str, str] = optional(HEADERS, "More headers.", {})
    body: Any = declare(ANY, "A tree; a leaf that begins with $ is JMESPath.")
    encode: Encode = optional(choice(*Encode), "json, or multipart: a form.", Encode.JSON)
    ignores: tuple[Any, ...] = declare(VALUES, "Parameters that are not sent.", default=())
    with_inputs: WithInputsKeys | None = optional(
        mapping(WithInputsKeys), "What is otherwise where a task has inputs.", None
    )
    handle: HandleKeys | None = optional(mapping(HandleKeys), "What a request is called.", None)
    rules: tuple[RuleKeys, ...] = declare(RULES, "What answers lead to.", default=())


class MediaKeys(Strict):
    """Where an output and its facts are, in an answer."""

    media: str = declare(LINE, "JMESPath to the output; $bytes is the answer itself.")
    encode: Form = optional(
        choice(Form.URL, Form.BASE64, Form.BYTES), "What is there: url, base64.", Form.URL
    )
    id: str | None = optional(LINE, "The id, for records.")
    cost: str | None = optional(LINE, "What it has cost: JMESPath, or header:NAME.")
    scale: Any = optional(MONEY, "US dollars a unit; cents: 0.01.")
    units: str | None = optional(LINE, "Units, times `models.NAME.unit`.", None)
    remaining: str | None = optional(LINE, "The balance that is left.")
    seconds: str | None = optional(LINE, "Seconds of work.")
    seed: str | None = optional(LINE, "The seed.")
    lives: float | None = optional(SECONDS, "How long the output is kept.")
    rules: tuple[RuleKeys, ...] = declare(RULES, "What answers lead to.", default=())


class ResultKeys(MediaKeys):
    """The same, where another call tells it."""

    url: str | None = optional(LINE, "Its address, if that is another call.")


class PollKeys(Strict):
    """The question where a request is."""

    url: str = declare(LINE, "Its address: `$status or /requests/{id}`.")
    method: Method = ASKED_BY
    body: Any = ASKED_WITH
    state: str = declare(LINE, "JMESPath to the state.")
    states: dict[str, Any] = declare(
        FREE, "The vendor's words → waiting, running, done, failed, moderated, expired."
    )
    every: float | None = declare(
        SECONDS, "Seconds between two questions; else from 2 to 15.", default=None, above=0
    )
    lives: float | None = optional(SECONDS, "How long a request is known.")
    rules: tuple[RuleKeys, ...] = declare(RULES, "What answers lead to.", default=())


class FailedKeys(Strict):
    """What a request that failed says of itself."""

    error: str | None = optional(LINE, "Its text.")
    code: str | None = optional(LINE, "Its code.")
    charged: Charged = optional(choice(*Charged), "never, maybe, always costs.", Charged.MAYBE)
    moderated: tuple[Any, ...] = declare(VALUES, "Codes of a refused prompt.", default=())
    retry: tuple[Any, ...] = declare(VALUES, "Codes worth another request.", default=())


class ResolveKeys(Strict):
    """How an attempt whose answer was lost is found again, free of charge."""

    by: By = declare(choice(*By), "none, handle, list, lookup by {once}, resend under {once}.")
    url: str | None = optional(LINE, "The address that is asked.")
    method: Method = ASKED_BY
    body: Any = ASKED_WITH
    rows: str | None = optional(LINE, "JMESPath to the list.")
    id: str | None = optional(LINE, "The id of a row; or `handle`.")
    sent: str | None = optional(LINE, "What was sent, as a row repeats it.")
    created: str | None = optional(LINE, "When a row was made.")
    model: str | None = optional(LINE, "The model of a row.")
    state: str | None = optional(LINE, "The state of a row.")
    cost: str | None = optional(LINE, "What a row has cost.")
    next: str | None = optional(LINE, "The address of the next page.")
    handle: HandleKeys | None = optional(mapping(HandleKeys), "Of what is found.")
    settle: float = optional(SECONDS, "Seconds until absence counts.", 60.0)
    window: float | None = optional(SECONDS, "How long it is listed, or its {once} holds.")
    compare: Compare = optional(choice(*Compare), "params, or the whole body.", Compare.PARAMS)
    absence: Absence = optional(choice(*Absence), "If not found: doubt, proof.", Absence.DOUBT)


class BalanceKeys(Strict):
    """How the balance is asked for."""

    url: str = declare(LINE, "Its address.")
    method: Method = ASKED_BY
    body: Any = ASKED_WITH
    value: str = declare(LINE, "JMESPath to it.")
    scale: Any = optional(MONEY, "US dollars a unit; cents: 0.01.")


class BillingKeys(Strict):
    """When is charged."""

    at: At = optional(choice(*At), "submit, success, free.", At.SUCCESS)


class LimitsKeys(Strict):
    """What an account may do."""

    concurrency: int | None = declare(WHOLE, "Requests at once.", default=None, least=1)
    rate: Any = optional(RATE, "Submits.")


class UploadKeys(Strict):
    """How a file is uploaded before the request that needs it: as a form, in a body, or by PUT."""

    url: str = declare(LINE, "Its address.")
    method: Method = optional(choice(Method.POST, Method.PUT), "POST or PUT.", Method.POST)
    body: Any = optional(
        ANY, "A tree of $type, $name, $size, $sha256, $base64, $data_uri; or $bytes.", None
    )
    multipart: str | None = optional(LINE, "The field of a form that is the file.")
    put: str | None = optional(
        LINE, "JMESPath to the address, in the answer, that the file is put to without the key."
    )
    found: str = declare(LINE, "JMESPath to what the request is sent: an address, or a name.")
    lives: float | None = optional(SECONDS, "How long it can be used.")
    max_bytes: int | None = optional(SIZE, "Largest file.")


class InputsKeys(Strict):
    """How media go in."""

    form: Form = optional(
        choice(Form.URL, Form.DATA_URI, Form.BASE64, Form.MULTIPART, Form.UPLOAD),
        "The usual form.",
        Form.DATA_URI,
    )
    max_bytes: int | None = optional(SIZE, "Largest file.")
    types: tuple[str, ...] = declare(LINES, "Content types.", default=())
    parameters: dict[str, Any] = optional(FREE, "Parameter → form.", {})
    upload: UploadKeys | None = optional(mapping(UploadKeys), "How a file is uploaded.", None)


class ModelKeys(Strict):
    """What is published of one model."""

    price: Any = optional(MONEY, "Dollars a generation.")
    unit: Any = optional(MONEY, "Dollars a unit.")
    median: float | None = optional(SECONDS, "How long one takes.")
    params: dict[str, Any] = optional(FREE, "Sent even when nobody asked.", {})


# Words of YAML's authors that Python keeps to itself.
RuleKeys.keys = {("is" if name == "values" else name): key for name, key in RuleKeys.keys.items()}
InputsKeys.keys = {("as" if n == "form" else n): key for n, key in InputsKeys.keys.items()}


class DescriptionKeys(Strict):
    """A description of a provider."""

    provider: str = declare(PROVIDER, "Its name.")
    base_url: str = declare(LINE, "Its address.")
    about: str | None = optional(LINE, "One line for people.")
    docs: tuple[str, ...] = declare(LINES, "Where the facts are.", default=())
    checked: str | None = optional(LINE, "When they were read.")
    grade: Grade = optional(choice(*Grade), "tried, documented, untried.", Grade.UNTRIED)
    auth: AuthKeys | None = optional(mapping(AuthKeys), "The key.")
    submit: SubmitKeys = declare(mapping(SubmitKeys), "The request that pays.")
    answer: MediaKeys | None = optional(mapping(MediaKeys), "The output, if it comes at once.")
    poll: PollKeys | None = optional(mapping(PollKeys), "How a request is asked for.")
    result: ResultKeys | None = optional(mapping(ResultKeys), "The output, once it is done.", None)
    failed: FailedKeys = optional(mapping(FailedKeys), "What a failed request says.", FailedKeys())
    resolve: ResolveKeys | None = optional(
        mapping(ResolveKeys), "How what was lost is found.", None
    )
    balance: BalanceKeys | None = optional(
        mapping(BalanceKeys), "How the balance is asked for.", None
    )
    billing: BillingKeys = optional(mapping(BillingKeys), "When is charged.", BillingKeys())
    limits: LimitsKeys = optional(mapping(LimitsKeys), "What an account may do.", LimitsKeys())
    inputs: InputsKeys = optional(mapping(InputsKeys), "How media go in.", InputsKeys())
    models: dict[str, Any] = optional(FREE, "By model.", {})
