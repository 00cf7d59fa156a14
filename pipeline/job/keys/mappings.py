"""Mappings of known keys: how they are declared and read, and what may be wrong with them.

A library of models would do this as well, and take longer than everything else in a `check`.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, ClassVar, NamedTuple, Self, dataclass_transform

import msgspec

from pipeline.job.nodes import Step, Way, kind_of
from pipeline.job.problems import InvalidError

Schema = dict[str, Any]


class Flaw(Enum):
    """What is wrong with a key."""

    VALUE = auto()
    MISSING = auto()
    UNKNOWN = auto()


class Fault(NamedTuple):
    """One thing that is wrong, and where: `way` leads there from the mapping that was read."""

    way: Way
    message: str
    hint: str | None = None
    flaw: Flaw = Flaw.VALUE

    def below(self, step: Step) -> "Fault":
        """Return it as seen from one level above."""
        return self._replace(way=(step, *self.way))


class FaultsError(ValueError):
    """A mapping cannot be taken: everything that is wrong with it, in the order of its keys."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


class Kind(msgspec.Struct, frozen=True):
    """How a value is read, and what editors learn of it.

    `read` raises `InvalidError` or `FaultsError`. `refers` is the class of the value where it has a
    definition of its own, and `items` is the kind of each item of a list.
    """

    read: Callable[[Any], Any]
    schema: Schema = {}
    refers: type | None = None
    items: "Kind | None" = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a mapping: its kind and bounds, and what it is for. Made by `declare`."""

    kind: Kind
    about: str
    examples: Sequence[Any]
    default: Any
    bounds: dict[str, float]
    schema: Schema

    @property
    def required(self) -> bool:
        """Whether it must be there."""
        return self.default is ...

    def read(self, value: Any) -> Any:
        """Read a value of it.

        Raises:
            InvalidError: it cannot be taken.
            FaultsError: there is something wrong below it.
        """
        taken = self.kind.read(value)
        for bound, number in self.bounds.items():
            words, holds = _BOUNDS[bound]
            if not holds(taken, number):
                raise InvalidError(f"must be {words} {number}")
        return taken


_BOUNDS: dict[str, tuple[str, Callable[[Any, float], bool]]] = {
    "minimum": ("at least", lambda value, number: value >= number),
    "exclusiveMinimum": ("above", lambda value, number: value > number),
    "maximum": ("at most", lambda value, number: value <= number),
}


def declare(  # noqa: PLR0913 - what there is to say of a key
    kind: Kind,
    about: str,
    *,
    default: Any = ...,
    examples: Sequence[Any] = (),
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    schema: Schema | None = None,
) -> Any:
    """Declare a key; without a `default` it is required. `schema` goes over its kind's."""
    bounds = {"minimum": least, "exclusiveMinimum": above, "maximum": most}
    return Key(
        kind=kind,
        about=about,
        examples=examples,
        default=default,
        bounds={name: number for name, number in bounds.items() if number is not None},
        schema=schema or {},
    )


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(declare,))
class Strict:
    """A mapping of known keys; a key whose value is null counts as absent."""

    keys: ClassVar[dict[str, Key]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Key)}
        cls.keys = {**cls.keys, **own}

    def __init__(self, **values: Any) -> None:
        for name, about in self.keys.items():
            usual = about.default
            self.__dict__[name] = usual.copy() if type(usual) is dict else usual
        self.__dict__.update(values)

    @classmethod
    def read(cls, value: Any) -> Self:
        """Read a mapping.

        Raises:
            InvalidError: it is not a mapping.
            FaultsError: with everything that is wrong in it.
        """
        if not isinstance(value, dict):
            raise InvalidError(f"a mapping is expected, not {kind_of(value)}")
        faults, values = list[Fault](), dict[str, Any]()
        for name, about in cls.keys.items():
            given = value.get(name)
            if given is not None:
                try:
                    values[name] = about.read(given)
                except (InvalidError, FaultsError) as error:
                    faults += faults_at(name, error)
            elif about.required:
                faults.append(Fault((name,), "is required", flaw=Flaw.MISSING))
        unknown = (str(name) for name in value if name not in cls.keys)
        faults += (Fault((name,), "unknown key", flaw=Flaw.UNKNOWN) for name in unknown)
        if faults:
            raise FaultsError(faults)
        return cls(**values)


def faults_at(step: Step, error: InvalidError | FaultsError) -> list[Fault]:
    """Say what is wrong with the value at `step`."""
    if isinstance(error, FaultsError):
        return [fault.below(step) for fault in error.faults]
    return [Fault((step,), error.message, error.hint)]


def mapping(of: type[Strict]) -> Kind:
    """Make the kind of a mapping of known keys."""
    return Kind(of.read, refers=of)


def listed(kind: Kind, prepare: Callable[[Any], Any]) -> Kind:
    """Make the kind of a list, which `prepare` may make of what was written."""

    def read(value: Any) -> tuple[Any, ...]:
        found = prepare(value)
        if not isinstance(found, list):
            raise InvalidError(f"a list is expected, not {kind_of(found)}")
        faults, items = list[Fault](), list[Any]()
        for index, item in enumerate(found):
            try:
                items.append(kind.read(item))
            except (InvalidError, FaultsError) as error:
                faults += faults_at(index, error)
        if faults:
            raise FaultsError(faults)
        return tuple(items)

    return Kind(read, items=kind)
