"""Where outputs lie: their names, what makes way for them, and what is kept as evidence.

One owner calls it, from one thread at a time.
"""

import errno
import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from pipeline.api.media import beginning, extension_of
from pipeline.common import output_names as places
from pipeline.common.files import open_file, refuse_linked_folders, sync_directory
from pipeline.errors import DirectoryError
from pipeline.ledger.manifest import read
from pipeline.models import Completion, Status
from pipeline.store.layout import Layout


class _Owners:
    """Which task each output belongs to, found from either side: a scan a task is quadratic."""

    def __init__(self) -> None:
        self._task: dict[str, str] = {}
        self._outputs: dict[str, list[str]] = {}

    def add(self, output: str, task: str) -> None:
        """Note that `output` is `task`'s now."""
        before = self._task.get(output)
        if before is not None:
            self._outputs[before].remove(output)
        self._task[output] = task
        self._outputs.setdefault(task, []).append(output)

    def owns(self, task: str, output: str) -> bool:
        """Whether `output` is `task`'s."""
        return self._task.get(output) == task

    def pop(self, task: str) -> list[str]:
        """Take all outputs of a task out."""
        outputs = self._outputs.pop(task, [])
        for output in outputs:
            del self._task[output]
        return outputs


class Outputs:
    """The outputs of one directory. `durable` says whether names are synced; `warn` tells once."""

    def __init__(self, layout: Layout, *, durable: bool, warn: Callable[[str], None]) -> None:
        self._layout, self._durable, self._warn = layout, durable, warn
        # As text: objects of paths would be a tenth of what a task costs.
        self._root = f"{layout.root}{os.sep}"
        self._owners: _Owners | None = None
        self._folders: set[str] = set()
        self._chosen: dict[str, str] = {}  # the task of each name that is not yet in place

    def choose(self, task: str, wanted: str, sha256: str) -> str:
        """Choose where an output goes: a file that is not this task's stays where it is."""
        names = self._names(places.fitting_output(self._layout.root, wanted), sha256)
        chosen = next(name for name in names if self._is_free(task, name))
        self._chosen[chosen] = task
        return chosen

    def _names(self, wanted: str, sha256: str) -> Iterator[str]:
        yield wanted
        path = PurePosixPath(wanted)
        for number in itertools.count(1):
            end = f"-{sha256[:8]}" + (f"-{number}" if number > 1 else "")
            other = path.with_name(f"{path.stem}{end}{path.suffix}")
            yield places.fitting_output(self._layout.root, str(other))

    def _is_free(self, task: str, output: str) -> bool:
        if self._chosen.get(output, task) != task:
            return False
        return not os.path.lexists(f"{self._root}{output}") or self._owned().owns(task, output)

    def place(self, part: str, task: str, output: str) -> None:
        """Give a whole part its name.

        Raises:
            OSError: it cannot be placed.
        """
        folder = output.rpartition("/")[0]
        if folder not in self._folders:
            self._make_folder(folder)
        try:
            os.replace(part, f"{self._root}{output}")
        except FileNotFoundError:  # somebody has removed the folder since
            self._make_folder(folder)
            os.replace(part, f"{self._root}{output}")
        self._chosen.pop(output, None)
        if self._owners is not None:
            self._owners.add(output, task)

    def _refuse_links(self, folder: str) -> None:
        try:
            refuse_linked_folders(self._layout.root, folder)
        except DirectoryError as error:
            raise OSError(errno.ELOOP, error.message) from error

    def _make_folder(self, folder: str) -> None:
        self._refuse_links(folder)
        path = self._layout.root / folder
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            while path != self._layout.root:
                path = path.parent
                self.sync(path)
        self._folders.add(folder)

    def supersede(self, task: str) -> None:
        """Move the older clips of a task out of the way.

        Raises:
            OSError: one cannot be moved; it stays, and is nobody's now.
        """
        for output in self._owned().pop(task):
            old = f"{self._root}{output}"
            if os.path.lexists(old):
                self._refuse_links(output.rpartition("/")[0])
                self._retire(old, output.replace("/", "-"), self._layout.superseded)

    def keep(self, part: str, name: str) -> str | None:
        """Move what came of an attempt to `errors/`; returns its path there, None if it is empty.

        Raises:
            OSError: it cannot be moved.
        """
        if os.path.islink(part) or not os.path.lexists(part) or not os.lstat(part).st_size:
            return None
        kept = self._retire(part, name.replace("/", "-"), self._layout.errors)
        return f"{self._layout.errors.name}/{kept}"

    def keep_body(self, part: str, name: str) -> str | None:
        """Move a body that is no output to `errors/`, named by what it is; see `keep`."""
        try:
            with os.fdopen(open_file(Path(part)), "rb") as file:
                extension = extension_of(beginning(file.fileno()))
                if self._durable:
                    os.fsync(file.fileno())
        except FileNotFoundError:
            return None
        except DirectoryError:  # a folder, or nothing that could hold a body
            extension = ".part"
        return self.keep(part, name + extension)

    def _retire(self, file: str, name: str, folder: Path) -> str:
        """Move a file into one of our own folders, under a name that nothing has yet."""
        folder.mkdir(exist_ok=True)
        most = places.longest_name(str(folder))
        stem, suffix = os.path.splitext(name)
        for number in itertools.count(1):
            free = places.fitting(f"{stem}.{number}{suffix}", most)
            if not os.path.lexists(folder / free):
                break
        os.replace(file, folder / free)
        self.sync(folder)
        return free

    def holds(self, path: Path, done: Completion) -> bool:
        """Whether a file is there, and is what came."""
        try:
            with os.fdopen(open_file(path), "rb") as file:
                if os.fstat(file.fileno()).st_size != done.bytes:
                    return False
                return hashlib.file_digest(file, "sha256").hexdigest() == done.sha256
        except (OSError, DirectoryError):
            return False

    def sync(self, folder: Path) -> None:
        """Make the names in a folder durable, where its file system knows how.

        Raises:
            OSError: the disk failed.
        """
        if self._durable and not sync_directory(folder):
            self._warn(
                f"the file system of {self._layout.root} cannot make names durable: a power loss"
                " may cost finished work, a kill does not"
            )

    def _owned(self) -> _Owners:
        """Which task each output in place belongs to; read when first needed."""
        if self._owners is None:
            self._owners = _Owners()
            for record in read(self._layout.manifest):
                if record.status is Status.SUCCEEDED and record.output is not None:
                    self._owners.add(record.output, record.task)
        return self._owners
