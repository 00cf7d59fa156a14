"""`inputs` as they are written: a file or an address, how it is sent, lists of them."""

from typing import Any

from pipeline.job.items import Given, Source
from pipeline.job.keys.fields import whole
from pipeline.job.keys.mappings import Fault, FaultsError, Kind, faults_at
from pipeline.job.nodes import kind_of
from pipeline.job.problems import InvalidError, did_you_mean, shown
from pipeline.models import Form

MOST_IN_A_LIST = 100
_LONGEST_NAME = 100
_KEYS = ("file", "form")
_TEXT = {"type": "string", "minLength": 1}
_SOURCE: dict[str, Any] = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "properties": {
                "file": {"description": "A path, or an address.", **_TEXT},
                "form": {"description": "How it is sent.", "enum": list(Form)},
            },
            "required": ["file"],
            "additionalProperties": False,
        },
    ]
}


def read_inputs(value: Any) -> dict[str, Given]:
    """Read what a job, a prompt or a row says of its inputs.

    Raises:
        InvalidError: it is not a mapping.
        FaultsError: with everything that is wrong in it.
    """
    if not isinstance(value, dict):
        raise InvalidError(
            f"a mapping is expected, not {kind_of(value)}", "such as {image_url: frames/hero.png}"
        )
    faults, found = list[Fault](), dict[str, Given]()
    for name, given in value.items():
        try:
            found[str(name)] = _given(str(name), given)
        except (InvalidError, FaultsError) as error:
            faults += faults_at(str(name), error)
    if faults:
        raise FaultsError(faults)
    return found


def written(given: dict[str, Given]) -> list[str]:
    """List the texts of inputs, which may be templates."""
    sources = [(one,) if isinstance(one, Source) else one for one in given.values()]
    return [source.file for several in sources for source in several]


def _given(name: str, value: Any) -> Given:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidError("this is not a name of a parameter")
    if not isinstance(value, list):
        return _source(value)
    if not value or len(value) > MOST_IN_A_LIST:
        raise InvalidError(f"the list has {len(value)} files", f"1 to {MOST_IN_A_LIST}")
    faults, found = list[Fault](), list[Source]()
    for index, one in enumerate(value):
        try:
            found.append(_source(one))
        except InvalidError as error:
            faults += faults_at(index, error)
    if faults:
        raise FaultsError(faults)
    return tuple(found)


def _source(value: Any) -> Source:
    if not isinstance(value, dict):
        if not isinstance(value, str) or not whole(value).strip():
            raise InvalidError("the path of a file, or an address, is expected", "frames/hero.png")
        return Source(str(value))
    unknown = next((str(key) for key in value if key not in _KEYS), None)
    if unknown is not None:
        raise InvalidError(f"unknown key {shown(unknown)}", did_you_mean(unknown, _KEYS))
    if not isinstance(value.get("file"), str) or not whole(value["file"]).strip():
        raise InvalidError("`file` is missing", "such as {file: frames/hero.png, form: base64}")
    form = value.get("form")
    if form is None:
        return Source(str(value["file"]))
    if not isinstance(form, str) or form not in list(Form):
        raise InvalidError(
            f"{shown(form)} is not a form of an input", did_you_mean(str(form), Form)
        )
    return Source(str(value["file"]), Form(form))


INPUTS = Kind(
    read_inputs,
    {
        "type": "object",
        "additionalProperties": {
            "anyOf": [
                *_SOURCE["anyOf"],
                {"type": "array", "items": _SOURCE, "minItems": 1, "maxItems": MOST_IN_A_LIST},
            ]
        },
    },
)
