"""The limits of an account: from the job file, and key by key from the environment."""

from decimal import Decimal
from pathlib import Path

import pytest
from support.job_workspace import JobWorkspace

from pipeline.errors import UsageError
from pipeline.job.loading import load
from pipeline.models import AccountPolicy, Job, Rate

JOB = "model: m\nprompts: [p]\n"


def loaded(workspace: JobWorkspace, lines: str = "", **environ: str) -> Job:
    workspace.put("job.yaml", JOB + lines)
    return load(workspace.path, environ=environ)


def test_the_job_file_wins_over_the_environment_key_by_key(workspace: JobWorkspace) -> None:
    job = loaded(
        workspace,
        "account: {day: 7, concurrency: 3}\n",
        PIPELINE_ACCOUNT_CONCURRENCY="20",
        PIPELINE_ACCOUNT_RATE="60/minute",
        PIPELINE_ACCOUNT_DAY="50",
        PIPELINE_ACCOUNT_MONTH="$600",
        PIPELINE_ACCOUNT_NAME="acme",
    )

    assert job.account == AccountPolicy(
        concurrency=3,
        rate=Rate(60, 60),
        day=Decimal(7),
        month=Decimal(600),
        name="acme",
        environment=frozenset({"rate", "month", "name"}),
    )


@pytest.mark.parametrize("word", ["off", "Off", "no", "false", "False", "'off'", "n"])
def test_off_is_any_of_yaml_s_words_for_it(workspace: JobWorkspace, word: str) -> None:
    assert loaded(workspace, f"account: {word}\n").account == AccountPolicy(shared=False)


@pytest.mark.parametrize("lines", ["account:\n", "account: {}\n", ""])
def test_an_empty_account_takes_part_without_limits(workspace: JobWorkspace, lines: str) -> None:
    assert loaded(workspace, lines).account == AccountPolicy()


def test_an_environment_that_is_empty_sets_nothing(workspace: JobWorkspace) -> None:
    job = loaded(workspace, PIPELINE_ACCOUNT_DAY=" ", PIPELINE_ACCOUNT="", PIPELINE_ACCOUNT_RATE="")

    assert job.account == AccountPolicy()


def test_off_in_the_environment_is_for_jobs_that_set_no_limit(workspace: JobWorkspace) -> None:
    alone = loaded(workspace, "account: {name: acme}\n", PIPELINE_ACCOUNT="off")
    limited = loaded(workspace, "account: {day: 5}\n", PIPELINE_ACCOUNT="off")

    assert alone.account == AccountPolicy(
        name="acme", shared=False, environment=frozenset({"shared"})
    )
    assert limited.account == AccountPolicy(day=Decimal(5))


def test_a_run_that_is_alone_keeps_its_key_and_its_name(workspace: JobWorkspace) -> None:
    job = loaded(
        workspace,
        "account: {key: ACME_SEGMIND_KEY}\n",
        PIPELINE_ACCOUNT="off",
        PIPELINE_ACCOUNT_NAME="x",
        PIPELINE_ACCOUNT_DAY="5",
    )

    assert job.account == AccountPolicy(
        key="ACME_SEGMIND_KEY",
        name="x",
        shared=False,
        environment=frozenset({"shared", "name"}),
    )
    assert any("PIPELINE_ACCOUNT_DAY limits nothing" in warning for warning in job.warnings)


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("PIPELINE_ACCOUNT", "maybe", "not a valid value"),
        ("PIPELINE_ACCOUNT_CONCURRENCY", "0", "from 1 to 2000"),
        ("PIPELINE_ACCOUNT_CONCURRENCY", "2.5", "from 1 to 2000"),
        ("PIPELINE_ACCOUNT_CONCURRENCY", "many", "a number is expected"),
        ("PIPELINE_ACCOUNT_CONCURRENCY", "9" * 5000, "64 bits"),
        ("PIPELINE_ACCOUNT_CONCURRENCY", "1e999", "not a finite number"),
        ("PIPELINE_ACCOUNT_RATE", "60", "a rate is expected"),
        ("PIPELINE_ACCOUNT_DAY", "-1", "at least 0"),
        ("PIPELINE_ACCOUNT_DAY", "50 euros", "US dollars"),
        ("PIPELINE_ACCOUNT_MONTH", "NaN", "US dollars"),
        ("PIPELINE_ACCOUNT_NAME", "a\nb", "control character"),
        ("PIPELINE_ACCOUNT_NAME", "x" * 101, "not a valid name"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_and_names_its_variable(
    workspace: JobWorkspace, name: str, value: str, part: str
) -> None:
    workspace.put("job.yaml", JOB + "account: {day: 1}\n")

    with pytest.raises(UsageError) as caught:
        load(workspace.path, environ={name: value})

    assert caught.value.message.startswith(f"{name}: ")
    assert part in caught.value.message
    assert "\n" not in caught.value.message


def test_a_limit_of_nothing_is_a_limit(workspace: JobWorkspace) -> None:
    assert loaded(workspace, "account: {day: 0}\n", PIPELINE_ACCOUNT_MONTH="0").account == (
        AccountPolicy(day=Decimal(0), month=Decimal(0), environment=frozenset({"month"}))
    )


def test_a_day_above_the_month_is_a_warning(workspace: JobWorkspace) -> None:
    (warning,) = loaded(workspace, "account: {day: 60}\n", PIPELINE_ACCOUNT_MONTH="50").warnings

    assert "$60.00" in warning
    assert "$50.00" in warning
    assert loaded(workspace, "account: {day: 50, month: 50}\n").warnings == ()


def test_a_job_file_that_lifts_a_limit_of_the_environment_says_so(workspace: JobWorkspace) -> None:
    (warning,) = loaded(workspace, "account: {day: 60}\n", PIPELINE_ACCOUNT_DAY="5").warnings
    (off,) = loaded(workspace, "account: off\n", PIPELINE_ACCOUNT_DAY="5").warnings

    assert "PIPELINE_ACCOUNT_DAY" in warning
    assert "PIPELINE_ACCOUNT_DAY" in off
    assert loaded(workspace, "account: {day: 4}\n", PIPELINE_ACCOUNT_DAY="5").warnings == ()


def test_a_dotenv_lifts_no_limit(workspace: JobWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.put(".env", "PIPELINE_ACCOUNT_DAY=1000\nPIPELINE_ACCOUNT=off\n")
    monkeypatch.chdir(workspace.folder)

    assert loaded(workspace).account == AccountPolicy()


@pytest.mark.parametrize(
    "key",
    ["SG_8f14e45fceea167a", "sk-live-0123456789", "8f14e45fceea167a", "SG_8F14E45FCEEA167A", "[a]"],
)
def test_a_key_in_the_job_file_is_refused_without_showing_it(
    workspace: JobWorkspace, key: str
) -> None:
    (found,) = workspace.problems(f'{JOB}account:\n  key: "{key}"\n')

    assert (found.key, found.line) == ("account.key", 4)
    assert key not in str(found)
    assert "SEGMIND_API_KEY_ACME" in str(found)


def test_the_real_environment_is_what_counts_without_another(
    workspace: JobWorkspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIPELINE_ACCOUNT_DAY", "3.50")

    assert workspace.job(JOB).account.day == Decimal("3.50")
    assert tmp_path == workspace.folder
