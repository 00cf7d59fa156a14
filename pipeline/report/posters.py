"""Makes the posters of clips: beside a run, or those that are missing.

Clips are decoded in child processes, at low priority. What fails costs no other clip, and nothing
but its poster.
"""

import errno
import hashlib
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from pipeline.common.files import open_file, refuse_linked_folders
from pipeline.errors import DirectoryError
from pipeline.facts.asking import NoAnswerError, SlowError, can_look
from pipeline.facts.drawing import Posters
from pipeline.ledger.manifest import last_records, replay
from pipeline.models import Job, Record, Status
from pipeline.report.entries import kind
from pipeline.store import posters as files
from pipeline.store.layout import Layout

PATIENCE = 30.0
"""Seconds for one clip."""

_MOST_WAITING = 10_000
_MOST_SLOW = 5  # clips that take too long, after which no more are tried
_MOST_AT_ONCE = 4
_ROOM = 64 * 1024**2  # bytes that are left free: a clip needs them more
_IDLE = 20.0  # seconds after which a child process without work ends
_LOOK = 0.2  # seconds between reports of progress
_KINDS = {"video", "image"}


class Clip(NamedTuple):
    """A clip: its file, relative to the output directory, its hash, and its name as an output."""

    file: str
    sha256: str
    output: str


@dataclass(slots=True)
class Made:
    """What became of posters. `fault` is why the first of those that `failed` has none.

    `left` were not tried: too many clips took too long, the disk is full, or there was no time.
    """

    made: int = 0
    failed: int = 0
    left: int = 0
    fault: str | None = None


def clip_of(record: Record) -> Clip | None:
    """Return the clip of a record; None where it has none that could have a poster."""
    output, sha256 = record.output, record.sha256
    if record.status is not Status.SUCCEEDED or output is None or sha256 is None:
        return None
    is_drawing = PurePosixPath(output).suffix.casefold() == ".svg"
    if kind(record) not in _KINDS or is_drawing or not files.is_hash(sha256):
        return None
    return Clip(output, sha256, output)


def clips_of(job: Job) -> Iterator[Clip]:
    """Yield the present clips of a job.

    Raises:
        DirectoryError: the manifest cannot be read.
    """
    manifest = Layout(job.output_dir).manifest
    for record in last_records(manifest, replay(manifest)):
        if (clip := clip_of(record)) is not None:
            yield clip


def make_missing(
    job: Job,
    clips: Iterable[Clip] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    patience: float = PATIENCE,
) -> Made:
    """Make the posters that clips of a job do not have; it blocks, and may be called in a thread.

    `clips` are the present ones where it is None; it takes superseded ones as well, by their files.
    `progress` gets how many of how many were tried, a few times a second. Nothing is made
    without the extra `media`, or where the clips lie in a bucket.

    Raises:
        DirectoryError: the manifest cannot be read.
    """
    if job.bucket is not None or not can_look():
        return Made()
    layout = Layout(job.output_dir)
    index = files.PosterIndex(layout)
    wanted = {clip.sha256: clip for clip in clips or clips_of(job) if not index.has(clip.sha256)}
    wanted = {key: clip for key, clip in wanted.items() if (layout.root / clip.file).is_file()}
    if not wanted:
        return Made()
    files.sweep(layout)
    at_once = min(_MOST_AT_ONCE, os.cpu_count() or 1, len(wanted))
    maker = Maker(layout, at_once=at_once, patience=patience, most=len(wanted))
    try:
        for clip in wanted.values():
            maker.put(clip)
        while not maker.wait(_LOOK):
            if progress is not None:
                progress(maker.tried, len(wanted))
    finally:
        made = maker.stop()
    return made


class Maker:
    """Makes posters in threads of its own, each with a child process.

    `most` clips may wait: of more, the rest is left to who looks for missing ones.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        at_once: int = 1,
        patience: float = PATIENCE,
        most: int = _MOST_WAITING,
    ) -> None:
        self._layout, self._at_once, self._patience, self._most = layout, at_once, patience, most
        self._changed = threading.Condition()
        self._waiting: deque[Clip] = deque()
        self._threads: dict[threading.Thread, Posters] = {}
        self._busy = self._slow = 0
        self._is_over = False
        self._made = Made()
        self.tried = 0

    def see(self, record: Record) -> None:
        """Take the clip of a record, if it has one that could have a poster."""
        if (clip := clip_of(record)) is not None:
            self.put(clip)

    def put(self, clip: Clip) -> None:
        """Take a clip; it never waits."""
        with self._changed:
            if self._is_over or len(self._waiting) >= self._most:
                self._made.left += 1
                return
            self._waiting.append(clip)
            self._changed.notify()
            if self._busy + len(self._waiting) > len(self._threads) < self._at_once:
                posters = Posters(self._patience)
                thread = threading.Thread(
                    target=self._work, args=(posters,), name="posters", daemon=True
                )
                self._threads[thread] = posters
                thread.start()

    def wait(self, seconds: float | None) -> bool:
        """Wait until no clip is left, for so long at most; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(self._is_done, seconds)

    def _is_done(self) -> bool:
        return not self._waiting and not self._busy

    def stop(self) -> Made:
        """End what is being made, and return what was."""
        with self._changed:
            self._give_up()
            threads = dict(self._threads)
            self._changed.notify_all()
        for posters in threads.values():
            posters.kill()
        for thread in threads:
            thread.join()
        return self._made

    def _give_up(self) -> None:
        """Take no more clips, for those that wait too."""
        self._is_over = True
        self._made.left += len(self._waiting)
        self._waiting.clear()

    def _work(self, posters: Posters) -> None:
        with posters:
            while (clip := self._next()) is not None:
                made, fault, is_over = False, None, False
                try:
                    made = self._make(posters, clip)
                except (NoAnswerError, DirectoryError) as error:
                    fault = str(error)
                    self._slow += isinstance(error, SlowError)
                except OSError as error:
                    fault, is_over = f"it cannot be written: {error.strerror or error}", True
                except Exception as error:  # noqa: BLE001 - a thread must not end in silence
                    fault, is_over = f"{type(error).__name__}: {error}", True
                with self._changed:
                    self._note(clip, made, fault)
                    if is_over or self._slow >= _MOST_SLOW:
                        self._give_up()

    def _next(self) -> Clip | None:
        """Wait for a clip; None after which a thread ends."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting or self._is_over, _IDLE) or (
                self._is_over
            ):
                del self._threads[threading.current_thread()]
                return None
            self._busy += 1
            return self._waiting.popleft()

    def _note(self, clip: Clip, made: bool, fault: str | None) -> None:
        self._busy -= 1
        self.tried += 1
        self._made.made += made
        if fault is not None and self._is_over:  # it was ended
            self._made.left += 1
        elif fault is not None:
            self._made.failed += 1
            self._made.fault = self._made.fault or f"{clip.file}: {fault}"
        self._changed.notify_all()

    def _make(self, posters: Posters, clip: Clip) -> bool:
        """Make the poster of a clip; return whether it has one.

        Raises:
            NoAnswerError: it cannot be decoded, or its file holds something else.
            DirectoryError: its file lies behind a link.
            OSError: it cannot be written.
        """
        refuse_linked_folders(self._layout.root, clip.file.rpartition("/")[0])
        path = self._layout.root / clip.file
        still, strip = posters.make(path)
        if still is None:
            return False
        # After it was decoded: meanwhile a newer clip may have taken its name.
        with os.fdopen(open_file(path), "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != clip.sha256:
                raise NoAnswerError("the file has changed since it was rendered")
        if shutil.disk_usage(self._layout.root).free < _ROOM:
            raise OSError(errno.ENOSPC, "there is hardly any room left on the disk")
        files.save(self._layout, clip.output, clip.sha256, still, strip)
        return True
