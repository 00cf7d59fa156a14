"""The words of a description. Pure."""

from enum import StrEnum

from pipeline.api.outcome import Decision, RequestState


class Then(StrEnum):
    """What a rule leads to."""

    RETRY = "retry"
    THROTTLE = "throttle"
    FAIL = "fail"
    MODERATED = "moderated"
    STOP = "stop"
    CREDITS = "credits"
    DOUBT = "doubt"
    AGAIN = "again"
    GONE = "gone"


DECISIONS = {
    Then.RETRY: Decision.RETRY,
    Then.THROTTLE: Decision.THROTTLE,
    Then.FAIL: Decision.FAIL,
    Then.MODERATED: Decision.FAIL,
    Then.STOP: Decision.STOP,
    Then.CREDITS: Decision.CREDITS,
    Then.DOUBT: Decision.IN_DOUBT,
}
"""What may follow from the answer to a submit."""

STATES = {
    "waiting": RequestState.WAITING,
    "running": RequestState.RUNNING,
    "done": RequestState.DONE,
    "failed": RequestState.FAILED,
    "moderated": RequestState.FAILED,
    "expired": RequestState.GONE,
}


class Charged(StrEnum):
    """Whether what brought no output may have cost something."""

    NEVER = "never"
    MAYBE = "maybe"
    ALWAYS = "always"


class Grade(StrEnum):
    """How well the facts of a description are known."""

    TRIED = "tried"
    DOCUMENTED = "documented"
    UNTRIED = "untried"


class By(StrEnum):
    """How an attempt that may have been accepted is found again."""

    NONE = "none"
    HANDLE = "handle"
    LOOKUP = "lookup"
    LIST = "list"
    RESEND = "resend"


class Absence(StrEnum):
    """What it means that a request is not found."""

    DOUBT = "doubt"
    PROOF = "proof"


class Form(StrEnum):
    """How an output is told, or an input is sent."""

    URL = "url"
    BASE64 = "base64"
    BYTES = "bytes"
    DATA_URI = "data_uri"
    MULTIPART = "multipart"
    UPLOAD = "upload"


class Method(StrEnum):
    """The method of a request."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"


class Encode(StrEnum):
    """How the body of a submit is written."""

    JSON = "json"
    MULTIPART = "multipart"


class At(StrEnum):
    """When a provider charges."""

    SUBMIT = "submit"
    SUCCESS = "success"
    FREE = "free"


class Compare(StrEnum):
    """What a list repeats of what was sent."""

    PARAMS = "params"
    BODY = "body"
