"""The key that `account.key` names: where it is read, where it goes, and what a job cannot name."""

from pathlib import Path

import pytest

from pipeline.account import places
from sandbox.testing import Sandbox
from tests.cli.conftest import JOB, KEY, Command, Thief, records, write

pytestmark = pytest.mark.few(3)

ACME = "sk-acme-aaaaaaaaaaaaaaaa"
SECRET = "wJalrXUtnFEMI/K7MDENG"
VARIABLE = "SEGMIND_API_KEY_ACME"
SENDING = [("run",), ("check", "--balance"), ("settle",), ("audit",)]


def with_account(job: Path, **keys: str) -> Path:
    lines = "".join(f"  {name}: {value}\n" for name, value in keys.items())
    job.write_text(f"{JOB}account:\n{lines}", encoding="utf-8")
    return job


def in_doubt(job: Path) -> None:
    """Leave something to ask for to `settle` and `audit`, which ask for nothing else."""
    folder = job.parent / "outputs" / "job"
    folder.mkdir(parents=True)
    line = (
        '{"task":"one","status":"in_doubt","model":"luma-txt-2-video","params":{"prompt":"a"},'
        '"fingerprint":"00","at_risk":0.95,"provider":"segmind",'
        '"started_at":"2026-01-01T00:00:00.000Z","finished_at":"2026-01-01T00:01:00.000Z"}\n'
    )
    (folder / "manifest.jsonl").write_text(line, encoding="utf-8")


@pytest.mark.variant
@pytest.mark.parametrize("command", SENDING, ids=" ".join)
def test_every_command_that_asks_the_provider_uses_the_named_key_and_no_other(
    pipeline: Command, job: Path, thief: Thief, command: tuple[str, ...]
) -> None:
    in_doubt(with_account(job, key=VARIABLE))
    env = {"SEGMIND_API_KEY": KEY, VARIABLE: ACME, "SEGMIND_BASE_URL": thief.url}

    done = pipeline(*command, job, env=env)

    assert done.code != 0
    assert set(thief.keys) == {ACME}
    assert ACME not in done.out + done.err


@pytest.mark.parametrize("command", SENDING, ids=" ".join)
def test_a_key_that_is_not_set_is_named_and_no_other_takes_its_place(
    pipeline: Command, job: Path, sandbox: Sandbox, command: tuple[str, ...]
) -> None:
    in_doubt(with_account(job, key=VARIABLE))

    done = pipeline(
        *command, job, env={"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": sandbox.url, VARIABLE: " "}
    )

    assert done.code == 2
    assert VARIABLE in done.err
    assert "account.key" in done.err


@pytest.mark.parametrize("name", ["ACME_KEY", "KEY_OF_A", "CLIENT_B_API_KEY"])
def test_a_client_s_key_may_have_any_name_of_its_own(
    pipeline: Command, job: Path, thief: Thief, name: str
) -> None:
    with_account(job, key=name)

    pipeline("run", job, env={name: ACME, "SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": thief.url})

    assert set(thief.keys) == {ACME}


@pytest.mark.parametrize("command", [("run",), ("check",), ("check", "--balance")], ids=" ".join)
@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "OPENAI_API_KEY",
        "DB_ENCRYPTION_KEY",
        "MY_PRIVATE_KEY",
    ],
)
def test_a_job_cannot_send_another_secret_of_the_environment(
    pipeline: Command, job: Path, thief: Thief, command: tuple[str, ...], name: str
) -> None:
    with_account(job, key=name)

    done = pipeline(
        *command, job, env={name: SECRET, "SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": thief.url}
    )

    assert (done.code, thief.keys) == (2, [])
    assert VARIABLE in done.err
    assert SECRET not in done.out + done.err


@pytest.mark.parametrize("name", ["SEGMIND_API_KEY", "ACME_SEGMIND_API_KEY", "SEGMIND_TOKEN_2"])
def test_a_name_that_says_the_provider_is_a_name_for_a_key(
    pipeline: Command, job: Path, sandbox: Sandbox, name: str
) -> None:
    with_account(job, key=name)

    done = pipeline("check", job, "--balance", env={name: ACME, "SEGMIND_BASE_URL": sandbox.url})

    assert done.code == 0


def test_the_url_of_a_dotenv_has_only_a_key_of_the_same_file(
    pipeline: Command, job: Path, thief: Thief
) -> None:
    with_account(job, key=VARIABLE)
    file = write(job.parent / ".env", SEGMIND_BASE_URL=thief.url, SEGMIND_API_KEY="sk-own")

    done = pipeline("run", job, env={"SEGMIND_API_KEY": KEY, VARIABLE: ACME})
    assert (done.code, thief.keys) == (2, [])
    assert str(file) in done.err

    write(file, SEGMIND_BASE_URL=thief.url, **{VARIABLE: "sk-theirs-0123456789"})
    done = pipeline("check", "--balance", job, env={"SEGMIND_API_KEY": KEY})
    assert (done.code, set(thief.keys)) == (4, {"sk-theirs-0123456789"})


def test_records_name_the_account_and_never_its_key(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    env = {"SEGMIND_API_KEY": KEY, VARIABLE: ACME, "SEGMIND_BASE_URL": sandbox.url}
    job.write_text(JOB.replace("prompts:\n", "prompts:\n  - {id: zero, prompt: x}\n"))
    pipeline("run", job, "--limit", "1", env=env)
    with_account(job, key=VARIABLE)
    pipeline("run", job, "--limit", "1", env=env)
    with_account(job, key=VARIABLE, name="acme & sons")
    done = pipeline("run", job, env={**env, "PIPELINE_ACCOUNT_NAME": "other"})

    assert done.code == 0
    written = records(job.parent / "outputs" / "job")
    usual, own = (places.name(sandbox.url, key) for key in (KEY, ACME))
    assert [record["account"] for record in written] == [usual, own, "acme & sons"][: len(written)]
    text = (job.parent / "outputs" / "job" / "manifest.jsonl").read_text(encoding="utf-8")
    assert KEY not in text
    assert ACME not in text


def test_a_name_that_contains_the_key_is_refused_without_showing_it(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    with_account(job, name=f"acme {KEY}")
    env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": sandbox.url}

    done = pipeline("run", job, env=env)
    assert done.code == 2
    assert KEY not in done.out + done.err

    job.write_text(JOB, encoding="utf-8")
    done = pipeline("run", job, env={**env, "PIPELINE_ACCOUNT_NAME": KEY})
    assert done.code == 2
    assert "PIPELINE_ACCOUNT_NAME" in done.err
    assert KEY not in done.out + done.err
    assert not (job.parent / "outputs").exists()


def test_a_limit_of_the_environment_that_cannot_be_read_stops_the_run_before_it_begins(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    env = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": sandbox.url}

    for command in ("run", "check"):
        done = pipeline(command, job, env={**env, "PIPELINE_ACCOUNT_DAY": "fifty"})
        assert done.code == 2
        assert "PIPELINE_ACCOUNT_DAY" in done.err
    assert not (job.parent / "outputs").exists()


def test_an_audit_leaves_out_what_another_account_has_paid(
    pipeline: Command, job: Path, sandbox: Sandbox
) -> None:
    with_account(job, name="acme")
    assert pipeline("run", job).code == 0
    manifest = job.parent / "outputs" / "job" / "manifest.jsonl"
    first = manifest.read_text(encoding="utf-8").splitlines()[0]
    other = first.replace('"account":"acme"', '"account":"other"').replace('"task":"', '"task":"x-')
    with manifest.open("a", encoding="utf-8") as file:
        file.write(other + "\n")

    assert pipeline("audit", job).code == 0
    assert '"account":"other"' in other
    assert sandbox.url
