"""Has clips looked at in a child process."""

from pathlib import Path

import msgspec

from pipeline.facts.asking import Child, NoAnswerError
from pipeline.facts.stretches import Look

_PATIENCE = 60.0  # seconds for one clip
_LONGEST = 64 * 1024  # bytes of an answer


class Looking(Child):
    """Looks at clips, one after the other. Use it as a context manager."""

    def __init__(self, patience: float = _PATIENCE) -> None:
        super().__init__("frames", patience=patience, most=_LONGEST)

    def look(self, path: Path) -> Look:
        """Look at a clip; its `fault` says why that was not possible."""
        try:
            return msgspec.json.decode(self.ask(path)[0], type=Look)
        except NoAnswerError as error:
            return Look(fault=str(error))
        except msgspec.MsgspecError:
            return Look(fault="what decodes it gave no answer")
