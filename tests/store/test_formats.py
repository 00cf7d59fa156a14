"""Every file is described, and one of a newer version is refused with nothing changed."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from support.helpers import Workspace
from support.other_api import OtherApi, Reply

from pipeline.ledger.formats import FORMAT, refuse_newer
from pipeline.ledger.history import Summary
from pipeline.ledger.manifest import NAME
from pipeline.models import Claim, Completion, Handle, Record, fingerprint, task_key
from pipeline.store.claims import Head
from pipeline.store.layout import Layout, Owner
from pipeline.store.state_file import Note

PAGE = (Path(__file__).parents[2] / "docs/reference/formats.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
DESCRIBED = [
    (Record, "manifest.jsonl"), (Summary, "manifest.jsonl"), (Claim, ".inflight/"),
    (Completion, ".inflight/"), (Handle, ".inflight/"), (Head, ".inflight/"),
    (Owner, ".job.json"), (Note, ".state.json"),
]  # fmt: skip


@pytest.mark.parametrize(("struct", "section"), DESCRIBED)
def test_every_field_of_a_file_is_described(struct: type[msgspec.Struct], section: str) -> None:
    named = set(re.findall(r"`(\w+)`", SECTIONS[section]))
    assert set(struct.__struct_fields__) <= named


def test_every_place_in_the_output_directory_is_described(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    places = [name for name, kind in vars(Layout).items() if hasattr(kind, "__get__")]
    paths = [getattr(layout, name) for name in places if isinstance(getattr(layout, name), Path)]
    assert len(paths) > 6
    for path in paths:
        if path != tmp_path:
            assert path.name in PAGE


def test_the_page_says_what_each_version_changed() -> None:
    versions = re.findall(r"^\| (\d+) \| 0\.\d+ \|", SECTIONS["Versions"], re.MULTILINE)
    assert [int(version) for version in versions] == list(range(1, FORMAT + 1))


def test_a_newer_file_is_refused_and_says_who_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    refuse_newer(path, b'{"format": %d}' % FORMAT)
    for unreadable in (b"", b"[1]", b"\xff", b'{"format": "9"}', b'{"format": null}'):
        refuse_newer(path, unreadable)
    newer = b'{"format": %d, "program": "1.4.0"}' % (FORMAT + 1)
    with pytest.raises(
        Exception, match=rf"file was written by pipeline 1\.4\.0, in format {FORMAT + 1}"
    ):
        refuse_newer(path, newer)


# -- the real command -------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make_newer(path: Path) -> None:
    """Write a file as a newer version would: with fields and values that this one has not."""
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    fields = json.loads(first) | {"format": FORMAT + 1, "status": "postponed", "new": [1]}
    path.write_text(f"{json.dumps(fields)}\n{rest}", encoding="utf-8")


@pytest.fixture
def rendered(workspace: Workspace) -> Workspace:
    workspace.write(prompts=[{"id": "a", "prompt": "a lighthouse"}], credits={"cost": 0.95})
    with OtherApi(lambda _api, _number: Reply()) as api:
        assert workspace.run(url=api.url).code == 0
    return workspace


def check_refused(workspace: Workspace, name: str, *commands: str) -> None:
    before = contents(workspace.output)
    with OtherApi(lambda _api, _number: Reply()) as api:
        for command in commands:
            end = workspace.finish(workspace.start(url=api.url, command=command))
            assert end.code == 2, (command, end)
            assert name in end.err
            assert f"format {FORMAT + 1}" in end.err
            assert "use the version that wrote it" in end.err
    assert api.prompts == []
    assert contents(workspace.output) == before


@pytest.mark.variant
def test_no_command_touches_a_directory_with_a_newer_manifest(rendered: Workspace) -> None:
    make_newer(rendered.output / NAME)
    check_refused(rendered, NAME, "run", "status", "check", "report", "export")


@pytest.mark.variant
@pytest.mark.parametrize("name", [".job.json", ".state.json"])
def test_a_newer_file_of_ours_is_refused(rendered: Workspace, name: str) -> None:
    make_newer(rendered.output / name)
    check_refused(rendered, name, "run", "status")


@pytest.mark.variant
def test_a_newer_claim_is_refused(rendered: Workspace) -> None:
    claim = rendered.output / ".inflight" / "a1b2c3d4e5f6a7b8c9d0.abcdef.1.json"
    claim.write_text(json.dumps({"format": FORMAT + 1, "job": "?"}), encoding="utf-8")
    check_refused(rendered, claim.name, "run", "status")


@pytest.mark.variant
def test_a_newer_record_in_the_middle_is_refused(rendered: Workspace) -> None:
    """A newer version has gone on with a manifest that an older one began."""
    manifest = rendered.output / NAME
    line = json.loads(manifest.read_text(encoding="utf-8")) | {"format": FORMAT + 1}
    with manifest.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    check_refused(rendered, NAME, "run", "status")


# -- directories of earlier versions ----------------------------------------------------------


def make_older(workspace: Workspace, form: int) -> None:
    """Write a directory as format 1 or 2 had it: with a doubt, and a claim that was sent."""
    manifest = workspace.output / NAME
    done = json.loads(manifest.read_text(encoding="utf-8"))
    old = {name: value for name, value in done.items() if name not in {"provider", "settled"}}
    doubt = {**old, "task": "b", "params": {**old["params"], "prompt": "b"}, "status": "in_doubt"}
    doubt |= {"output": None, "cost": None, "at_risk": 0.95, "reason": "no_answer", "error": "x"}
    doubt["fingerprint"] = fingerprint(doubt["model"], doubt["params"])
    old.pop("format")
    first = {**old, **({"format": form} if form > 1 else {})}
    lines = [json.dumps(line) for line in (first, {k: doubt[k] for k in doubt if k != "format"})]
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    params = {**old["params"], "prompt": "c"}
    claim = {
        "task": "c", "fingerprint": fingerprint(old["model"], params), "model": old["model"],
        "params": params, "meta": {}, "price": 0.95, "attempt": 1, "output": "c",
        "started_at": old["started_at"], "simulated": False,
    }  # fmt: skip
    name = task_key("c")
    if form > 1:
        name += ".abcdef.1"
        claim |= {"boot_id": None, "part": f"{name}.part", "format": form, "sent": True}
    claimed = workspace.output / ".inflight" / f"{name}.json"
    claimed.write_text(json.dumps(claim), encoding="utf-8")
    (workspace.output / ".state.json").unlink()
    owner = json.loads((workspace.output / ".job.json").read_text(encoding="utf-8"))
    owner["format"] = form
    (workspace.output / ".job.json").write_text(json.dumps(owner), encoding="utf-8")


@pytest.mark.parametrize("form", [1, 2])
def test_a_directory_of_an_earlier_format_is_continued_and_nothing_is_paid_again(
    workspace: Workspace, form: int
) -> None:
    prompts = [{"id": name, "prompt": name} for name in "abc"]
    workspace.write(prompts=prompts[:1], credits={"cost": 0.95}, concurrency=1)
    with OtherApi(lambda _api, _number: Reply()) as api:
        assert workspace.run(url=api.url).code == 0
        workspace.write(prompts=prompts, credits={"cost": 0.95}, concurrency=1)
        make_older(workspace, form)
        assert workspace.run(url=api.url).code == 1
        assert api.prompts == ["a"]
    status = workspace.status()
    counted = (status["succeeded"], status["in_doubt"], float(status["at_risk"]))
    assert counted == (1, 2, 1.9)
    last = json.loads((workspace.output / NAME).read_text(encoding="utf-8").splitlines()[-1])
    assert (last["task"], last["status"], last["format"]) == ("c", "in_doubt", FORMAT)
