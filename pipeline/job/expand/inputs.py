"""A prompt's inputs: templates filled, files found, opened and read. Nothing is sent of them here.

A path is relative to the job's folder and stays in it, also where a link would lead elsewhere; one
that is meant to be outside is absolute.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unicodedata import normalize
from urllib.parse import urlsplit

from pipeline.api.inputs import InputRules, fits, is_address
from pipeline.common.hashes import Contents, shared
from pipeline.errors import DirectoryError
from pipeline.job.files import reason_of
from pipeline.job.items import Given, Source
from pipeline.job.keys.inputs import MOST_IN_A_LIST
from pipeline.job.keys.params import Target
from pipeline.job.problems import InvalidError, did_you_mean, nearest, shown
from pipeline.job.template.templates import Scope, fill, has_templates
from pipeline.models import Form, Input, Inputs, contents

_LONGEST_ADDRESS = 4000
_ADDRESS = re.compile(r"[!-~]+")  # what a request line can hold
_UNREAD = "0" * 64


class InputError(InvalidError):
    """What is wrong with one input. `mark` is the same for the same file or address."""

    def __init__(self, message: str, hint: str | None = None, mark: str = "") -> None:
        super().__init__(message, hint)
        self.mark = mark or message


class InputsError(InvalidError):
    """What is wrong with the inputs of one task, each with its name."""

    def __init__(self, wrong: list[tuple[str, InvalidError]]) -> None:
        name, first = wrong[0]
        super().__init__(f"inputs.{name}: {first.message}", first.hint)
        self.wrong = wrong


class InputMaker:
    """Makes the inputs of tasks. Where nothing is `to_send`, a file may be gone.

    `recorded` has the sha256 of files that may be, by their paths, where it is known.
    """

    def __init__(
        self, folder: Path, target: Target, given: Mapping[str, Given], *, to_send: bool
    ) -> None:
        self._folder = folder
        self._root = Path(os.path.realpath(folder))
        self._target = target
        self._rules: InputRules = target.provider.inputs
        self._given = given
        self._to_send = to_send
        self.reported: set[str] = set()
        self.recorded: dict[str, str] = {}

    def has_any(self, own: Mapping[str, Given]) -> bool:
        """Whether a prompt with these inputs has any."""
        return bool(own or self._given)

    def make(self, own: Mapping[str, Given], params: Mapping[str, Any], scope: Scope) -> Inputs:
        """Make the inputs of a task; those of the prompt win.

        Raises:
            InputsError: with everything that is wrong with them.
        """
        made, wrong = Inputs(), list[tuple[str, InvalidError]]()
        for name, given in {**self._given, **own}.items():
            found = self._each(name, given, params, scope, wrong)
            if found and not isinstance(given, Source):
                made[name] = found
            elif found:
                made[name] = found[0]
        if wrong:
            raise InputsError(wrong)
        return made

    def wrong_literals(self, given: Mapping[str, Given]) -> Iterator[tuple[str, InvalidError]]:
        """Yield what is wrong whatever a template gives, so that each has its own line."""
        for name, one in given.items():
            wrong = list[tuple[str, InvalidError]]()
            literal = not any(has_templates(source.file) for source in _sources(one))
            self._each(name, one if literal else (), {}, {}, wrong)
            self.reported.update(mark_of(error) for _, error in wrong)
            yield from wrong

    def _refuse_name(self, name: str, params: Mapping[str, Any]) -> None:
        if name == "prompt":
            raise InputError("the prompt is not an input", "write it under prompts", name)
        if name in params:
            raise InputError(
                f"{name} is a parameter of this task too", "say it in one of the two places", name
            )
        known = self._target.parameters
        if known is not None and name not in known:
            message = f"{self._target.model} has no such parameter"
            raise InputError(message, did_you_mean(name, known), f"{name}: {message}")

    def _each(
        self,
        name: str,
        given: Given,
        params: Mapping[str, Any],
        scope: Scope,
        wrong: list[tuple[str, InvalidError]],
    ) -> list[Input]:
        """Make what stands under a name; what is wrong with it is added to `wrong`."""
        found = list[Input]()
        try:
            self._refuse_name(name, params)
            for source in _sources(given):
                for text in _texts(fill(source.file, scope)):
                    try:
                        found.append(self._input(name, text, source.form))
                    except InputError as error:
                        wrong.append((name, error))
        except InvalidError as error:
            wrong.append((name, error))
        return found

    def _input(self, name: str, text: str, form: Form | None) -> Input:
        rules = self._rules
        provider, usual = self._target.provider.name, form is None
        form = form or rules.form_of(name)
        if form not in rules.forms:
            raise InputError(
                f"{provider} takes {name} as {form}, which its description does not describe"
                if usual
                else f"{provider} takes no input as {form}",
                f"as {', '.join(sorted(rules.forms))}",
            )
        if is_address(text):
            return _address(text, form)
        if form is Form.URL:
            raise InputError(
                f"{shown(text)} is a file, and has no address",
                f"leave `form` out, or {' or '.join(sorted(rules.forms - {Form.URL}))}",
                text,
            )
        return self._file(name, text, form)

    def _file(self, name: str, text: str, form: Form) -> Input:
        path = self._find(text)
        try:
            found = self._read(path, text, form)
            kind = self._type(name, text, found)
        except InputError:
            if self._to_send:
                raise
            known = self.recorded.get(str(path), _UNREAD)
            return Input(sha256=known, form=form, path=text, file=str(path))
        return Input(
            sha256=found.sha256,
            form=form,
            path=text,
            file=str(path),
            bytes=found.size,
            type=kind,
        )

    def _find(self, text: str) -> Path:
        """Find where a file lies; a link of a folder may lead to it, but not out of the job's."""
        written = os.path.expanduser(text)  # noqa: PTH111 - Path's own raises where there is no home
        try:
            real = Path(os.path.realpath(self._folder / written))
        except (OSError, ValueError) as error:
            raise InputError(f"{shown(text)} cannot be read: {reason_of(error)}") from None
        if not os.path.isabs(written) and not real.is_relative_to(self._root):  # noqa: PTH117
            raise InputError(
                f"{shown(text)} leads out of the job's folder",
                "write the absolute path of a file that lies elsewhere",
                text,
            )
        return real

    def _read(self, path: Path, text: str, form: Form) -> Contents:
        most = self._rules.most(form)
        try:
            found = shared().read(path, most)
        except FileNotFoundError:
            raise InputError(f"there is no file {shown(text)}", _near(path), text) from None
        except DirectoryError:
            raise InputError(f"{shown(text)} is not a regular file", mark=text) from None
        except (OSError, ValueError) as error:
            message = f"{shown(text)} cannot be read: {reason_of(error)}"
            raise InputError(message, mark=text) from None
        if isinstance(found, int):
            uploads = form is not Form.UPLOAD and found <= self._rules.max_upload
            raise InputError(
                f"{shown(text)} has {found / 1e6:.1f} MB, and at most {most / 1e6:.1f} are sent",
                "write {file: …, form: upload}"
                if uploads and Form.UPLOAD in self._rules.forms
                else "make it smaller, or put it where its address can be sent",
                text,
            )
        if not found.size:
            raise InputError(f"{shown(text)} is empty", mark=text)
        return found

    def _type(self, name: str, text: str, found: Contents) -> str:
        from pipeline.api.media import recognise  # noqa: PLC0415 - for jobs with files alone

        media = recognise(found.head, None)
        if media is None or not self._rules.takes(media.content_type):
            what = media.content_type if media else "neither image, video nor audio"
            raise InputError(f"{shown(text)} is {what} by its bytes", mark=text)
        if not fits(name, media.content_type):
            raise InputError(
                f"{shown(text)} is {media.content_type} by its bytes, which {name} does not take",
                mark=f"{name}: {text}",
            )
        return media.content_type


def hashed(params: dict[str, Any], inputs: Inputs) -> dict[str, Any]:
    """Add to parameters what inputs contain, for the identity of a prompt without an id."""
    return {**params, "\0inputs": contents(inputs)} if inputs else params


def mark_of(error: InvalidError) -> str:
    """Return what is the same for the same file or address."""
    return error.mark if isinstance(error, InputError) else error.message


def _sources(given: Given) -> tuple[Source, ...]:
    return (given,) if isinstance(given, Source) else given


def _texts(value: Any) -> list[str]:
    """Take what a template gave: a text, a list of them, or `none` where there is no input."""
    if value is None:
        return []
    texts = value if isinstance(value, list) else [value]
    if len(texts) > MOST_IN_A_LIST:
        raise InputError(f"there are {len(texts)} files", f"at most {MOST_IN_A_LIST}")
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f"{shown(text)} is not the path of a file, or an address")
        if not text.strip():
            raise InputError(
                "the template leaves the path empty",
                'where a row may have none: "{{ column or none }}"',
            )
        if not text.isprintable():
            raise InputError(f"{shown(text)} contains a character that cannot be printed")
    return texts


def _address(text: str, form: Form) -> Input:
    """Take an address as it stands; what is there is not looked at.

    Raises:
        InputError: it is not a plain one of http(s).
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
        plain = parts.scheme in {"http", "https"} and host and parts.username is None
    except ValueError:
        plain = False
    if not plain or not _ADDRESS.fullmatch(text) or len(text) > _LONGEST_ADDRESS:
        raise InputError(
            f"{shown(text)} is not a plain http(s) address", "https://…, or the path of a file"
        )
    import hashlib  # noqa: PLC0415 - for jobs with addresses alone

    digest = hashlib.sha256(text.encode()).hexdigest()
    return Input(sha256=digest, form=form, url=text)


def _near(path: Path) -> str:
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry, _ in zip(entries, range(5000))]  # noqa: B905
    except (OSError, ValueError):
        names = []
    near = nearest(path.name, names)
    if any(name != path.name and _alike(name) == _alike(path.name) for name in names):
        return "a file there has this name in other Unicode characters (NFC, NFD): copy it"
    return f"did you mean {near}?" if near else "paths are relative to the job file"


def _alike(name: str) -> str:
    return normalize("NFC", name)
