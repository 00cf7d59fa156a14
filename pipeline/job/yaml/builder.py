"""YAML events → nodes: duplicate keys, anchors, merge keys and tags, each within bounds."""

from collections.abc import Callable
from typing import Any

import msgspec
import yaml

from pipeline.common.depth import DEEPEST
from pipeline.job.nodes import Cut, Mapping, Plain, Sequence
from pipeline.job.problems import Report, did_you_mean, shown

FREE_ALIAS_NODES = 100_000
MOST_NODES = 1_000_000
ALIAS_NODES_PER_NODE = 10

_STANDARD = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_STANDARD + name for name in ("int", "float", "bool")}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class HopelessError(yaml.MarkedYAMLError):
    """An error that ends the parse, with a mark as libyaml's errors have."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(None, None, message, mark)


class _Anchored(msgspec.Struct):
    node: Any
    size: int
    height: int


class _Frame(msgspec.Struct):
    """A container that is still open. `size` counts its nodes, aliases expanded."""

    node: Mapping | Sequence
    anchor: str | None
    size: int = 1
    height: int = 1
    key: str | None = None
    key_line: int = 0
    skip: bool = False
    merges: list[tuple[Mapping, int]] = msgspec.field(default_factory=list)


class Builder:
    """Takes the events of one stream; `document` is the first document.

    `line_of` returns the line of a mark, `comment_at` the comment that begins there like a word.
    """

    def __init__(
        self,
        report: Report,
        line_of: Callable[[Any], int],
        comment_at: Callable[[Any], str | None],
    ) -> None:
        self.document: Any = None
        self._line_of = line_of
        self._comment_at = comment_at
        self._report = report
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._documents = 0
        self._nodes = 0
        self._aliased = 0

    def take(self, event: Any) -> None:
        """Take one event.

        Raises:
            HopelessError: where a bound is passed or going on is hopeless.
        """
        kind = type(event)
        if self._nodes > MOST_NODES:
            raise HopelessError(
                f"more than {MOST_NODES:,} values: move the prompts to a sheet, prompts_from",
                event.start_mark,
            )
        if kind is yaml.ScalarEvent:
            self._nodes += 1
            line = self._line_of(event.start_mark)
            value = self._scalar(event, line)
            if event.anchor:
                self._anchors[event.anchor] = _Anchored(value, 1, 0)
            self._put(value, line, 1, 0)
        elif kind is yaml.MappingStartEvent:
            self._open(Mapping(self._line_of(event.start_mark)), event, "map")
        elif kind is yaml.SequenceStartEvent:
            self._open(Sequence(self._line_of(event.start_mark)), event, "seq")
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._document(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise HopelessError(
                "a second document begins here; a job file is one", event.start_mark
            )

    def _scalar(self, event: Any, line: int) -> str | None:
        tag, text = event.tag, event.value
        plain = event.implicit[0]
        if tag is not None:
            if tag == _STANDARD + "null":
                return None
            if tag in _PLAIN_TAGS:
                return Plain(text)
            if tag not in {"!", _STANDARD + "str"}:
                self._refuse_tag(tag, line)
            return str(text)
        if not plain:
            return str(text)
        # A null plain scalar that is a key is still that key's text.
        if text in _NULLS and not self._expects_key():
            return None
        return self._written(text, self._comment_at(event.end_mark))

    @staticmethod
    def _written(text: str, comment: str | None) -> Plain:
        if comment is None:
            return Plain(text)
        cut = Cut(text)
        cut.comment = comment
        return cut

    def _expects_key(self) -> bool:
        frame = self._stack[-1] if self._stack else None
        return frame is not None and frame.key is None and type(frame.node) is Mapping

    def _refuse_tag(self, tag: str, line: int) -> None:
        name = tag.replace(_STANDARD, "!!")
        self._report.at(
            line,
            f"the tag {shown(name)} is not allowed",
            "tags make objects; write the plain value",
        )

    def _open(self, node: Mapping | Sequence, event: Any, kind: str) -> None:
        self._nodes += 1
        if len(self._stack) >= DEEPEST:
            raise HopelessError(f"nested deeper than {DEEPEST} levels", event.start_mark)
        if event.tag not in {None, "!", _STANDARD + kind}:
            self._refuse_tag(event.tag, node.line)
        if self._expects_key():
            raise HopelessError(
                "a key must be a text, not a mapping or list (quote a {{ template }})",
                event.start_mark,
            )
        self._stack.append(_Frame(node, event.anchor))
        if event.anchor:
            self._anchors.pop(event.anchor, None)

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.merges:
            _merge(frame)
        if frame.anchor:
            self._anchors[frame.anchor] = _Anchored(frame.node, frame.size, frame.height)
        self._put(frame.node, frame.node.line, frame.size, frame.height)

    def _alias(self, event: Any) -> None:
        known = self._anchors.get(event.anchor)
        if known is None:
            inside = any(frame.anchor == event.anchor for frame in self._stack)
            what = "contains itself" if inside else "names an unknown anchor"
            near = None if inside else did_you_mean(event.anchor, self._anchors)
            tail = f" ({near})" if near else ""
            raise HopelessError(f"the alias *{event.anchor} {what}{tail}", event.start_mark)
        self._aliased += known.size
        if self._aliased > FREE_ALIAS_NODES + ALIAS_NODES_PER_NODE * self._nodes:
            raise HopelessError("aliases expand to too much", event.start_mark)
        if len(self._stack) + known.height > DEEPEST:
            raise HopelessError(f"aliases nest deeper than {DEEPEST} levels", event.start_mark)
        if self._expects_key() and not isinstance(known.node, str):
            raise HopelessError("a key must be a text", event.start_mark)
        self._put(known.node, self._line_of(event.start_mark), known.size, known.height)

    def _put(self, value: Any, line: int, size: int, height: int) -> None:
        if not self._stack:
            self.document = value
            return
        frame = self._stack[-1]
        frame.size += size
        frame.height = max(frame.height, height + 1)
        node = frame.node
        if type(node) is Sequence:
            node.append(value)
            node.lines.append(line)
        elif frame.key is None:
            self._key(frame, value, line)
        else:
            self._value(frame, value, line)

    def _key(self, frame: _Frame, value: Any, line: int) -> None:
        node = frame.node
        assert isinstance(node, Mapping)
        frame.key = "" if value is None else value
        frame.key_line = line
        frame.skip = frame.key in node.lines
        if frame.skip:
            first = node.lines[str(frame.key)]
            self._report.at(
                line, f"duplicate key {shown(frame.key)}", f"the first is on line {first}"
            )

    def _value(self, frame: _Frame, value: Any, line: int) -> None:
        node, key = frame.node, frame.key
        assert isinstance(node, Mapping)
        assert key is not None
        frame.key = None
        if type(key) is Plain and key == "<<":
            self._note_merge(frame, value, line)
        elif not frame.skip:
            name = str(key)
            node[name] = value
            node.lines[name] = frame.key_line

    def _note_merge(self, frame: _Frame, value: Any, line: int) -> None:
        sources = value if isinstance(value, Sequence) else [value]
        for source in sources:
            if isinstance(source, Mapping):
                frame.merges.append((source, line))
            else:
                self._report.at(
                    line, "<< merges mappings only", "write: <<: *anchor, of a mapping", key="<<"
                )


def _merge(frame: _Frame) -> None:
    """Take over the keys of merged mappings; what is written here wins, then the first source."""
    node = frame.node
    assert isinstance(node, Mapping)
    for source, _ in frame.merges:
        for key, value in source.items():
            if key not in node:
                node[key] = value
                node.lines[key] = source.lines[key]
