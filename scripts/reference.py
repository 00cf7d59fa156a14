"""Print the job file's schema and the generated parts of the documentation; `--check` compares.

A part is between `<!-- begin: NAME -->` and `<!-- end: NAME -->`. A test runs `--check`.
"""  # noqa: INP001 - scripts are not a package

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import click

import pipeline
from pipeline.api import providers
from pipeline.api.described.document import DescriptionKeys
from pipeline.api.segmind.table import table_markdown
from pipeline.cli.group import cli
from pipeline.display.metrics import METRICS
from pipeline.errors import ExitCode
from pipeline.job import schema
from pipeline.job.keys.mappings import Strict
from pipeline.runtime.lifecycle import diagram

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "pipeline" / "data" / "job.schema.json"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_PART = re.compile(r"(<!-- begin: ([\w-]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
_WIDTH = 100
_TYPES = {
    "string": "text", "object": "mapping", "array": "list", "integer": "integer",
    "number": "number", "boolean": "boolean",
}  # fmt: skip


def commands() -> str:
    """The help text of every command, as it is shown on a terminal of 100 columns."""
    settings = {**cli.context_settings, "terminal_width": _WIDTH}
    root = click.Context(cli, info_name="pipeline", **settings)
    parts = [_help("pipeline", cli, root)]
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        context = click.Context(command, root, name, **settings)
        parts.append(_help(f"pipeline {name}", command, context))
    return "\n".join(parts)


def _help(title: str, command: click.Command, context: click.Context) -> str:
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"## {title}\n\n```text\n{text}\n```\n"


def exit_codes() -> str:
    """The exit codes of `pipeline run`."""
    head = "| code | name | what happened | what to do |\n|---:|---|---|---|\n"
    return head + "".join(
        f"| {int(code)} | `{code.name}` | {code.cause} | {code.remedy} |\n" for code in ExitCode
    )


def outcomes() -> str:
    """What each outcome of an attempt leads to."""
    return f"{table_markdown()}\n"


def settings() -> str:
    """Every key of the job file, with its type, its default and its description."""
    whole = schema()
    rows = _rows(whole, whole["properties"], "")
    return "| key | type | default | description |\n|---|---|---|---|\n" + "".join(rows)


def parameters() -> str:
    """The parameters of the models that are checked before a run."""
    models = {
        name.removeprefix("params."): part["properties"]
        for name, part in schema()["$defs"].items()
        if name.startswith("params.")
    }
    return "| model | parameter | description |\n|---|---|---|\n" + "".join(
        f"| `{model}` | `{key}` | {_cell(value['description'])} |\n"
        for model, keys in models.items()
        for key, value in keys.items()
    )


def _rows(whole: dict[str, Any], keys: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, part in keys.items():
        where = f"{prefix}{name}"
        choices = [*part.get("items", {}).get("anyOf", [])[-1:], *part.get("anyOf", [])[:1]]
        references = [one["$ref"] for one in (part, *choices) if "$ref" in one]
        targets = [whole["$defs"][one.rpartition("/")[2]] for one in references]
        target: dict[str, Any] = next(
            (one for one in targets if "$ref" in part or "properties" in one), {}
        )
        inner = target.get("properties")
        if part.get("description"):
            kind, default = _type({**target, **part}), _default(part.get("default"))
            needed = "required" if where in whole["required"] else default
            yield f"| `{where}` | {kind} | {needed} | {_cell(part['description'])} |\n"
        if inner:
            yield from _rows(whole, inner, f"{where}[]." if "items" in part else f"{where}.")


def _type(part: dict[str, Any]) -> str:
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"] if value not in {True, False})
    if isinstance(part.get("type"), str):
        return _TYPES[part["type"]]
    if "type" in part:
        return "text"
    kinds = [_type(choice) for choice in part.get("anyOf", []) if "$ref" not in choice]
    return " or ".join(dict.fromkeys(kinds)) or "mapping"


def _default(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float) and value and value % 1024**3 == 0:
        return f"`{int(value) // 1024**3}GiB`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`" if isinstance(value, str | int) else f"`{json.dumps(value)}`"


def lifecycle() -> str:
    """The stages of a task, and which may follow which."""
    return f"```mermaid\n{diagram()}\n```\n"


def library() -> str:
    """The names of the package, with the first line of their docstrings."""
    rows = [(name, getattr(pipeline, name)) for name in pipeline.__all__]
    return _names((f"{name}{_parameters(thing)}", thing) for name, thing in rows)


def events() -> str:
    """The events that a watcher receives."""
    return _names((kind.__name__, kind) for kind in get_args(pipeline.events.Event))


def metrics() -> str:
    """The metrics of `pipeline metrics`."""
    rows = (
        f"| `pipeline_{name}` | {', '.join(f'`{label}`' for label in labels)} | {_cell(text)} |\n"
        for name, labels, text in METRICS
    )
    return "| name | labels | description |\n|---|---|---|\n" + "".join(rows)


def described() -> str:
    """The pages of the providers that are described, one below the other."""
    pages = ("\n".join(providers.page(name)) for name in providers.SHIPPED)
    return "\n\n".join(page.replace("# ", "### ", 1) for page in pages) + "\n"


def resolving() -> str:
    """What becomes of a request whose answer was lost, at each provider."""
    from pipeline.api.described.telling import resolving as told  # noqa: PLC0415

    at_segmind = (
        "in the provider's list of requests, by what was sent",
        "in doubt; each run asks again",
        "",
    )
    rows = {name: at_segmind for name in providers.names() if name not in providers.SHIPPED}
    rows |= {name: told(providers.description(name)) for name in providers.SHIPPED}
    return "| provider | how it is found | where it is not | for |\n|---|---|---|---|\n" + "".join(
        f"| {name} | {' | '.join(map(_cell, cells))} |\n" for name, cells in rows.items()
    )


def description_keys() -> str:
    """Every key of a description."""
    rows = "".join(_description_rows(DescriptionKeys, ""))
    return "| key | needed | description |\n|---|---|---|\n" + rows


def _description_rows(keys: type[Strict], prefix: str) -> Iterator[str]:
    for name, key in keys.keys.items():
        needed = "required" if key.required else ""
        yield f"| `{prefix}{name}` | {needed} | {_cell(key.about)} |\n"
        if key.kind.refers is not None:
            yield from _description_rows(key.kind.refers, f"{prefix}{name}.")


def _names(things: Iterable[tuple[str, Any]]) -> str:
    return "| name | description |\n|---|---|\n" + "".join(
        f"| `{name}` | {_cell(_summary(thing))} |\n" for name, thing in things
    )


def _summary(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def _parameters(thing: Any) -> str:
    if not inspect.isfunction(thing):
        return ""
    parts, keyword = list[str](), False
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            parts, keyword = [*parts, "*"], True
        default = "" if parameter.default is parameter.empty else "=…"
        parts.append(f"{parameter.name}{default}")
    return f"({', '.join(parts)})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "exit-codes": exit_codes,
    "outcomes": outcomes,
    "settings": settings,
    "parameters": parameters,
    "lifecycle": lifecycle,
    "library": library,
    "metrics": metrics,
    "events": events,
    "providers": described,
    "description-keys": description_keys,
    "resolving": resolving,
}


def printed(file: Path) -> str:
    """Return a file with its generated parts, or all of the schema, printed again."""
    if file == SCHEMA:
        return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    text = file.read_text(encoding="utf-8")
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n{part[3]}", text)


def main() -> int:
    """Update the files; return 1 with `--check` if one is not current."""
    stale = 0
    for file in (SCHEMA, *PAGES):  # the schema first: pages are printed from it
        current = printed(file)
        if file.read_text(encoding="utf-8") == current:
            continue
        if "--check" in sys.argv[1:]:
            stale = 1
            sys.stderr.write(f"{file.relative_to(ROOT)} is not current: run scripts/reference.py\n")
        else:
            file.write_text(current, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
