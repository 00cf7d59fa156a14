"""A bucket that is a folder, for runs that die at a chosen step: each request is one.

It answers as S3 does: an object is there whole or not at all, and a copy that must create its
object loses at first what is said of it.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.common.bucket_address import BucketAddress
from pipeline.store.bucket import Attributes, Bucket, ChangedError, Found

ADDRESS = BucketAddress("s3", "folder", "")


class FolderBucket(Bucket):
    """Keeps all objects in one file. `step` is called before and after each request.

    `save` writes the file whole.
    """

    def __init__(
        self, folder: Path, step: Callable[[], None], save: Callable[[Path, str], None]
    ) -> None:
        self.address = ADDRESS
        self._file, self._step, self._save = folder / "objects.json", step, save
        self._lock = threading.Lock()

    def load(self) -> dict[str, tuple[str, Attributes]]:
        """Read every object: its content, and what is said of it."""
        if not self._file.exists():
            return {}
        found: dict[str, tuple[str, Attributes]] = json.loads(self._file.read_text("utf-8"))
        return found

    def _change(self, change: Callable[[dict[str, Any]], None]) -> None:
        self._step()
        with self._lock:
            objects = self.load()
            change(objects)
            self._save(self._file, json.dumps(objects))
        self._step()

    def upload(
        self, source: Path | bytes | Iterator[bytes], key: str, attributes: Attributes
    ) -> None:
        """Write an object."""
        if isinstance(source, Path):
            source = source.read_bytes()
        text = (source if isinstance(source, bytes) else b"".join(source)).decode()
        self._change(lambda objects: objects.update({key: (text, attributes)}))

    def copy(self, source: str, key: str, *, create: bool = True) -> None:
        """Copy an object, in two requests where it must be created."""
        text, said = self.load()[source]
        if create:
            if key in self.load():
                raise FileExistsError(key)
            self._change(lambda objects: objects.update({key: (text, {})}))
        self._change(lambda objects: objects.update({key: (text, said)}))

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._change(lambda objects: objects.pop(key, None))

    def find(self, key: str) -> Found | None:
        """Look at an object."""
        if key not in (objects := self.load()):
            return None
        text, said = objects[key]
        return Found(len(text), _tag(text), said)

    def sha256(self, key: str) -> str:
        """Hash an object."""
        return hashlib.sha256(self.load()[key][0].encode()).hexdigest()

    def names(self, folder: str = "") -> Iterator[str]:
        """List the objects."""
        return (key for key in self.load() if key.startswith(folder))

    def read(self, key: str) -> tuple[bytes, str | None] | None:
        """Read a note and its tag."""
        if key not in (objects := self.load()):
            return None
        text = objects[key][0]
        return text.encode(), _tag(text)

    def create(self, key: str, note: bytes) -> str | None:
        """Write a note that is not there yet."""
        if key in self.load():
            raise FileExistsError(key)
        self.upload(note, key, {})
        return _tag(note.decode())

    def replace(self, key: str, note: bytes, e_tag: str | None) -> str | None:
        """Write a note over the one with this tag."""
        found = self.read(key)
        if found is None or found[1] != e_tag:
            raise ChangedError
        self.upload(note, key, {})
        return _tag(note.decode())


def _tag(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
