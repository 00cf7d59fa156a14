"""How a submit is sent, and the files with it, compiled."""

from collections.abc import Iterable
from typing import Any

from pipeline.api.described import document as doc
from pipeline.api.described import expressions, words
from pipeline.api.described.description import Inputs, Sending, Upload
from pipeline.api.described.expressions import UPLOADED, speaks_of
from pipeline.api.described.finding import Problems
from pipeline.api.described.parts import NOTHING, Parts
from pipeline.job.nodes import Way
from pipeline.job.problems import did_you_mean, shown

_IN_A_PATH = {"model", "app", "once"}


class Filing(Parts):
    """Compiles the body of a submit, and in which forms it takes files."""

    def _sending(self) -> Sending:
        submit = self._keys.submit
        path = self._template(("submit", "path"), submit.path, _IN_A_PATH)
        if submit.encode is words.Encode.MULTIPART:
            check_form(submit.body, ("submit", "body"), self._problems)
        body = self._leaf(("submit", "body"), submit.body) or expressions.body({})
        return Sending(path, body, submit.encode, frozenset(map(str, submit.ignores)))

    def _with_inputs(self, usual: Sending) -> Sending:
        """Say how a task with inputs is sent: what is not said is as usual."""
        keys, way = self._keys.submit.with_inputs, ("submit", "with_inputs")
        if keys is None:
            return usual
        path, body = usual.path, usual.body
        if keys.path is not None:
            path = self._template((*way, "path"), keys.path, _IN_A_PATH)
        if keys.body is not None:
            body = self._leaf((*way, "body"), keys.body) or body
        encode = keys.encode or usual.encode
        if encode is words.Encode.MULTIPART:
            written = keys.body if keys.body is not None else self._keys.submit.body
            check_form(written, (*way, "body"), self._problems)
        ignores = usual.ignores | frozenset(map(str, keys.ignores))
        return Sending(path, body, encode, ignores)

    def _inputs(self) -> Inputs:
        keys = self._keys.inputs
        form: words.Form = vars(keys)["as"]
        parameters = dict[str, words.Form]()
        forms = [one for one in words.Form if one is not words.Form.BYTES]
        for name, value in keys.parameters.items():
            if value not in forms:
                message, hint = (
                    f"{shown(value)} is not a valid value",
                    did_you_mean(str(value), forms),
                )
                self._problems.add(("inputs", "parameters", name), message, hint)
            else:
                parameters[name] = words.Form(value)
        check_inputs(self._keys, {form, *parameters.values()}, self._problems)
        upload = None if keys.upload is None else self._upload(keys.upload)
        return Inputs(form, keys.max_bytes, keys.types, parameters, upload)

    def _upload(self, keys: doc.UploadKeys) -> Upload:
        way = ("inputs", "upload")
        body = None
        if keys.body is not None:
            if keys.multipart is not None:
                check_form(keys.body, (*way, "body"), self._problems)
            body = self._leaf((*way, "body"), keys.body, UPLOADED)
        return Upload(
            url=self._template((*way, "url"), keys.url, set()),
            method=keys.method,
            body=body,
            field=keys.multipart,
            put=self._expression((*way, "put"), keys.put, header=False),
            found=self._expression((*way, "found"), keys.found, header=False) or NOTHING,
            lives=keys.lives,
            max_bytes=keys.max_bytes,
        )


def check_inputs(keys: doc.DescriptionKeys, forms: Iterable[str], problems: Problems) -> None:
    """Note forms of inputs in which nothing can be sent, and uploads that have no file."""
    add, upload = problems.add, keys.inputs.upload
    special = keys.submit.with_inputs
    encode = (special and special.encode) or keys.submit.encode
    if words.Form.MULTIPART in forms and encode is not words.Encode.MULTIPART:
        hint = "submit: {encode: multipart}, or with_inputs: {encode: multipart}"
        add(("inputs",), "inputs are parts of a form, and a submit is JSON", hint)
    if words.Form.UPLOAD in forms and upload is None:
        hint = "upload: {url: /files, multipart: file, found: url}"
        add(("inputs",), "it is not said how a file is uploaded", hint)
    if upload is None:
        return
    way: Way = ("inputs", "upload")
    has_file = any(speaks_of(name, upload.body) for name in ("bytes", "base64", "data_uri"))
    ways = [upload.multipart is not None, upload.put is not None, has_file]
    if sum(ways) != 1:
        message = "the file is not in it" if not any(ways) else "the file would be sent twice"
        hint = "one of multipart: file, put: upload_url, body: {data: $data_uri}, body: $bytes"
        add(way, message, hint)
    if has_file and speaks_of("bytes", upload.body) and upload.body != "$bytes":
        hint = "body: $bytes alone, or $base64 in JSON"
        add((*way, "body"), "bytes are no part of JSON", hint, at=str(upload.body))


def check_form(body: Any, way: Way, problems: Problems) -> None:
    """Note what cannot be the fields of a form."""
    if not isinstance(body, dict) and not (isinstance(body, str) and body.startswith("$")):
        message = "a form has fields: a mapping is expected, or an expression"
        problems.add(way, message, 'such as {prompt: $params.prompt}, or "$merge(params, inputs)"')
