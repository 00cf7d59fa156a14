"""Forms: a body of fields and files, as RFC 7578 describes it. Pure."""

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.api.wire import Part

# As WHATWG's "multipart form data" escapes names.
_ESCAPED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


def form(fields: Mapping[str, Any]) -> tuple[str, bytes]:
    """Write a form; return its type and its body, in which the marks of files stand.

    A list is a field that is there several times, a mapping is JSON; what is None is left out.
    """
    boundary = secrets.token_hex(16)  # nothing that is sent can hold it
    written = bytearray()
    for name, value in _each(fields):
        told = f'form-data; name="{name.translate(_ESCAPED)}"'
        if isinstance(value, Part):
            told += f'; filename="{value.name.translate(_ESCAPED)}"\r\ncontent-type: {value.type}'
        head = f"--{boundary}\r\ncontent-disposition: {told}\r\n\r\n"
        written += f"{head}{_text(value)}\r\n".encode()
    written += f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", bytes(written)


def _each(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                yield name, one


def _text(value: Any) -> str:
    if isinstance(value, Part):
        return value.mark
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
