"""Whose a prefix is: an object there names the one directory whose runs place outputs below it.

No clock decides: another directory gets the prefix when that object is deleted by a person, or when
the directory was moved after a run that ended. The same one gets it back at once after a kill.
"""

import contextlib
import os
import secrets
import socket
import time
from typing import TYPE_CHECKING

import msgspec

from pipeline.common.files import read_file, write_atomically
from pipeline.errors import BucketError, DirectoryError
from pipeline.ledger.formats import FORMAT, refuse_newer
from pipeline.models import rfc3339
from pipeline.printable import printable
from pipeline.store.bucket import CONDITIONS, Bucket, ChangedError
from pipeline.store.layout import LONGEST_NOTE, Layout

if TYPE_CHECKING:
    from collections.abc import Callable

OWNER = ".owner.json"
_NO_TAG = f'"{"0" * 32}"'
_LONGEST_NAME = 100


class PrefixOwner(msgspec.Struct):
    """Who may place outputs below a prefix.

    `directory` is the random id of a directory, and `place` distinguishes it from a copy. `host`,
    `job` and `renewed_at` are for people alone. `released` is set when a run has ended.
    """

    directory: str
    place: int
    job: str
    host: str
    renewed_at: str
    released: bool = False
    format: int = FORMAT


class _Identity(msgspec.Struct):
    directory: str
    format: int = FORMAT


class Prefix:
    """The right of one directory to a prefix."""

    def __init__(self, bucket: Bucket, layout: Layout, job: str) -> None:
        self._bucket, self._layout, self._job = bucket, layout, job
        self._e_tag: str | None = None
        self.held = False

    @property
    def name(self) -> str:
        """The id of the directory, as objects that are copies of its files say."""
        return identity(self._layout)

    def take(self) -> None:
        """Take the prefix, before anything is sent.

        Raises:
            DirectoryError: it is another directory's.
            BucketError: the bucket is down, or refuses; or it knows no conditional creation.
        """
        note = self._note(released=False)
        found = self._bucket.read(OWNER)
        try:
            if found is None:
                self._refuse_unconditional(note)
                self._e_tag = self._bucket.create(OWNER, note)
            else:
                self._refuse_other(self._read(found[0]))
                self._e_tag = self._bucket.replace(OWNER, note, found[1])
        except (FileExistsError, ChangedError):
            raise DirectoryError(
                f"another run has just taken {self._bucket.address}",
                hint="give this job a prefix of its own: output.dir",
            ) from None
        self.held = True

    def renew(self, *, released: bool = False) -> None:
        """Show that the prefix is in use; or, `released`, that no run uses it any more.

        Raises:
            BucketError: it was taken away, which lasts; or the bucket is down.
        """
        if not self.held:
            return
        note = self._note(released=released)
        try:
            self._e_tag = self._bucket.replace(OWNER, note, self._e_tag)
        except ChangedError:
            self._see_whether_ours()
        self.held = not released

    def _see_whether_ours(self) -> None:
        """Take over the tag of our note whose acknowledgement was lost; else give up."""
        found = self._bucket.read(OWNER)
        owner = None if found is None else self._read(found[0])
        if found is not None and owner is not None and self._is_ours(owner):
            self._e_tag = found[1]
            return
        self.held = False
        who = "was removed" if owner is None else f"is {_described(owner)}'s now"
        raise BucketError(
            f"{self._bucket.address}/{OWNER} {who}: this run may place nothing there",
            lasts=True,
            hint="one directory at a time: what is paid is kept here, run again to bring it",
        )

    def _refuse_unconditional(self, note: bytes) -> None:
        """See that the storage refuses to create or replace what it must not.

        On that, foreign objects rely, and of two machines the one that came first. It is tried
        before the prefix is taken: a run that is killed meanwhile does not leave it untried.
        """
        probe = f".inflight/{self.name}.probe"
        source = f"{probe}.copy"
        self._bucket.upload(note, source, {})
        self._bucket.upload(note, probe, {})
        writes: list[Callable[[], object]] = [
            lambda: self._bucket.create(probe, note),
            lambda: self._bucket.copy(source, probe),
            lambda: self._bucket.replace(probe, note, _NO_TAG),
        ]
        for write in writes:
            with contextlib.suppress(FileExistsError, ChangedError):
                write()
                raise BucketError(
                    f"the storage of {self._bucket.address} knows no conditional creation, so"
                    " objects of others could be overwritten there",
                    lasts=True,
                    hint=CONDITIONS,
                )
        self._bucket.delete(probe)
        self._bucket.delete(source)

    def _is_ours(self, owner: PrefixOwner) -> bool:
        return (owner.directory, owner.place) == (self.name, _place(self._layout))

    def _refuse_other(self, owner: PrefixOwner) -> None:
        moved = owner.directory == self.name and owner.released
        if self._is_ours(owner) or moved:
            return
        raise DirectoryError(
            f"{self._bucket.address} belongs to {_described(owner)}, last seen at"
            f" {_shown(owner.renewed_at)}",
            hint="continue there, or give this job a prefix of its own; if that directory is gone"
            f" for good, delete {self._bucket.address}/{OWNER}: its clips then stay as others'",
        )

    def _read(self, text: bytes) -> PrefixOwner:
        try:
            return msgspec.json.decode(text, type=PrefixOwner)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise DirectoryError(
                f"{self._bucket.address}/{OWNER} was not written by this version of pipeline",
                hint="use the newest version; or delete it, if the prefix is this job's",
            ) from None

    def _note(self, *, released: bool) -> bytes:
        return msgspec.json.encode(
            PrefixOwner(
                directory=self.name,
                place=_place(self._layout),
                job=self._job,
                host=socket.gethostname(),
                renewed_at=rfc3339(time.time()),
                released=released,
            )
        )


def identity(layout: Layout) -> str:
    """Return the random id of a directory; it is made when it is first asked for.

    Raises:
        DirectoryError: it cannot be read.
        OSError: it cannot be written.
    """
    if os.path.lexists(layout.prefix):
        try:
            text = read_file(layout.prefix, LONGEST_NOTE)
            refuse_newer(layout.prefix, text)
            return msgspec.json.decode(text, type=_Identity).directory
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise DirectoryError(
                f"{layout.prefix} cannot be read: {error}",
                hint=f"delete it, and {OWNER} in the bucket, if both are this job's",
            ) from error
    made = _Identity(secrets.token_hex(16))
    write_atomically(layout.prefix, msgspec.json.encode(made))
    return made.directory


def _place(layout: Layout) -> int:
    """Tell a directory from a copy of it."""
    return layout.root.stat().st_ino


def _described(owner: PrefixOwner) -> str:
    return f"the job {_shown(owner.job)} on {_shown(owner.host)}"


def _shown(text: str) -> str:
    return printable(text)[:_LONGEST_NAME]
