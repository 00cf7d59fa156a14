"""Where the key may go: a URL of a `.env` has the key of that same file, and no other."""

import os
from pathlib import Path

import pytest

from pipeline.api import providers
from pipeline.cli.environment import find_access
from sandbox.testing import Sandbox
from tests.cli.conftest import KEY, Command, Thief, write

pytestmark = pytest.mark.few(2)

PROVIDER = providers.get()
OTHER = "sk-other-fedcba9876543210"


@pytest.fixture
def away(job: Path) -> Path:
    """The job in a folder of its own, so that it has another `.env` than the working directory."""
    folder = job.parent / "theirs"
    folder.mkdir()
    return job.rename(folder / "job.yaml")


SENDING = [("run",), ("check", "--balance")]


@pytest.mark.parametrize("command", SENDING, ids=" ".join)
@pytest.mark.parametrize("place", ["job", "cwd"])
def test_a_url_of_a_dotenv_never_gets_the_key_of_the_environment(
    pipeline: Command, away: Path, thief: Thief, command: tuple[str, ...], place: str
) -> None:
    folder = away.parent if place == "job" else away.parent.parent
    file = write(folder / ".env", SEGMIND_BASE_URL=thief.url)
    done = pipeline(*command, away, env={"SEGMIND_API_KEY": KEY})
    assert (done.code, thief.keys) == (2, [])
    assert str(file) in done.err
    assert "the environment" in done.err


@pytest.mark.parametrize(("holder", "teller"), [("job", "cwd"), ("cwd", "job")])
def test_a_url_of_a_dotenv_never_gets_the_key_of_another_dotenv(
    pipeline: Command, away: Path, thief: Thief, holder: str, teller: str
) -> None:
    folders = {"job": away.parent, "cwd": away.parent.parent}
    key = write(folders[holder] / ".env", SEGMIND_API_KEY=KEY)
    url = write(folders[teller] / ".env", SEGMIND_BASE_URL=thief.url)
    done = pipeline("run", away, env={})
    assert (done.code, thief.keys) == (2, [])
    assert str(key) in done.err
    assert str(url) in done.err


def test_a_key_of_the_environment_is_not_sent_where_a_dotenv_has_a_key_of_its_own(
    pipeline: Command, away: Path, thief: Thief
) -> None:
    write(away.parent / ".env", SEGMIND_BASE_URL=thief.url, SEGMIND_API_KEY=OTHER)
    done = pipeline("run", away, env={"SEGMIND_API_KEY": KEY})
    assert (done.code, thief.keys) == (2, [])


def test_an_empty_url_in_the_environment_is_none_and_lends_a_dotenv_no_rank(
    pipeline: Command, job: Path, thief: Thief
) -> None:
    write(job.parent / ".env", SEGMIND_BASE_URL=thief.url)
    done = pipeline("run", job, env={"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": " "})
    assert (done.code, thief.keys) == (2, [])


def test_an_empty_base_url_flag_is_refused(pipeline: Command, job: Path, thief: Thief) -> None:
    write(job.parent / ".env", SEGMIND_BASE_URL=thief.url, SEGMIND_API_KEY=KEY)
    done = pipeline("run", job, "--base-url", "", env={})
    assert (done.code, thief.keys) == (2, [])
    assert "shell variable" in done.err


def test_the_key_of_a_dotenv_goes_to_a_url_of_higher_rank_or_of_its_own_file(
    pipeline: Command, away: Path, sandbox: Sandbox, thief: Thief
) -> None:
    here = away.parent.parent / ".env"
    write(away.parent / ".env", SEGMIND_API_KEY=KEY)
    flag = pipeline("run", away, "--limit", 1, "--base-url", sandbox.url, env={})
    environment = pipeline("run", away, "--limit", 1, env={"SEGMIND_BASE_URL": sandbox.url})
    assert (flag.code, environment.code) == (0, 0), flag.err + environment.err
    # The same key in the environment is the file's own key still.
    write(here, SEGMIND_BASE_URL=sandbox.url, SEGMIND_API_KEY=KEY)
    assert pipeline("run", away, env={"SEGMIND_API_KEY": KEY}).code == 0
    # What stands beside the job wins over the working directory.
    write(away.parent / ".env", SEGMIND_API_KEY=KEY, SEGMIND_BASE_URL=sandbox.url)
    write(here, SEGMIND_BASE_URL=thief.url, SEGMIND_API_KEY=OTHER)
    assert pipeline("run", away, env={}).code == 0
    assert thief.keys == []


@pytest.mark.parametrize("key", ["base_url", "url", "api_key", "key"])
def test_a_job_file_says_neither_where_the_api_is_nor_the_key(
    pipeline: Command, job: Path, thief: Thief, key: str
) -> None:
    job.write_text(f"{job.read_text('utf-8')}{key}: {thief.url}\n", encoding="utf-8")
    done = pipeline("run", job, env={"SEGMIND_API_KEY": KEY})
    assert (done.code, thief.keys) == (2, [])
    assert key in done.err


def test_the_first_line_names_a_host_that_is_not_the_usual_one(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    first = pipeline("run", job).err.splitlines()[0]
    assert sandbox.url.removeprefix("http://") in first
    assert sandbox.url.removeprefix("http://") in pipeline("check", job, "--balance").err


@pytest.mark.variant
@pytest.mark.parametrize("kind", ["pipe", "folder", "dangling link", "link to itself"])
def test_a_dotenv_that_is_no_file_is_passed_over(
    pipeline_process: Command, job: Path, kind: str
) -> None:
    path = job.parent / ".env"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere" if kind == "dangling link" else ".env")
    done = pipeline_process("run", job, env={})
    assert done.code == 2
    assert "SEGMIND_API_KEY is not set" in done.err


def test_a_dotenv_may_be_a_link(pipeline: Command, job: Path, sandbox: Sandbox) -> None:
    target = write(job.parent / "settings" / "env", SEGMIND_API_KEY=KEY)
    (job.parent / ".env").symlink_to(target)
    assert pipeline("run", job, env={"SEGMIND_BASE_URL": sandbox.url}).code == 0


@pytest.mark.variant
def test_a_dotenv_that_is_no_settings_is_refused_soon(pipeline_process: Command, job: Path) -> None:
    path = job.parent / ".env"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a sparse file of a terabyte
    done = pipeline_process("run", job, env={})
    assert done.code == 2
    assert f"{path} is larger" in done.err
    path.write_text("A=x" + " " * 60_000 + "y\nSEGMIND_API_KEY", encoding="utf-8")
    assert "SEGMIND_API_KEY is not set" in pipeline_process("run", job, env={}).err
    path.write_bytes(b"SEGMIND_API_KEY=\xff")
    assert "cannot be read as UTF-8 text" in pipeline_process("run", job, env={}).err


def test_a_key_that_every_user_can_read_is_told(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    path = write(job.parent / ".env", SEGMIND_API_KEY=KEY)
    settings = {"SEGMIND_BASE_URL": sandbox.url}
    assert "every user" not in pipeline("run", job, env=settings).err
    path.chmod(0o644)
    run = pipeline("run", job, env=settings).err
    check = pipeline("check", job, "--balance", env=settings).out
    for told in (run, check):
        assert f"every user of this machine can read the key in {path}" in told
    write(path, SOMETHING="else").chmod(0o644)
    quiet = pipeline("run", job, env={"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": sandbox.url})
    assert "every user" not in quiet.err


def test_a_line_of_a_dotenv_that_cannot_be_read_is_told_with_its_number(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    path = job.parent / ".env"
    path.write_text(f"SEGMIND_API_KEY={KEY}\nA='open\n", encoding="utf-8")
    done = pipeline("run", job, env={"SEGMIND_BASE_URL": sandbox.url})
    assert f"{path}:2 cannot be read as NAME=value" in done.err


def test_without_a_key_a_line_that_cannot_be_read_is_told_too(pipeline: Command, job: Path) -> None:
    path = job.parent / ".env"
    path.write_text(f"SEGMIND_API_KEY: {KEY}\n", encoding="utf-8")
    done = pipeline("run", job, env={})
    assert done.code == 2
    assert f"{path}:1 cannot be read as NAME=value" in done.err
    assert KEY not in done.err


@pytest.mark.parametrize("end", ["", "/"])
def test_a_dotenv_that_names_the_usual_url_takes_the_key_nowhere(
    job: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    write(job.parent / ".env", SEGMIND_BASE_URL=PROVIDER.base_url + end)
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.delenv("SEGMIND_BASE_URL", raising=False)
    access = find_access(job, provider=PROVIDER)
    assert (access.key, access.base_url) == (KEY, PROVIDER.base_url + end)
