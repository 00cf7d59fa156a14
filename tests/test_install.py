"""What makes the environment: the locks, and `scripts/venv` with a Python that notes its calls.

That a lock really installs, on another day and with other pips, is shown by `.ci/install`.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

# Answers `-m venv` by copying itself, and notes every call. The step named in `fails` fails, once.
FAKE = """#!/usr/bin/env bash
home={home}
echo "$*" >>"$home/calls"
case "$*" in
  *"-m venv --clear"*)
    rm -rf "${{@: -1}}"
    mkdir -p "${{@: -1}}/bin"
    cp "$0" "${{@: -1}}/bin/python" ;;
  *"-m pip"*)
    echo "notice: a newer pip"
    if [ -s "$home/fails" ] && grep -q "$(cat "$home/fails")" <<<"$*"; then
      : >"$home/fails"
      echo "what went wrong" >&2
      exit 1
    fi ;;
esac
"""


class Checkout:
    """A folder with a Python that notes its calls, and an environment to make there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.venv = home / "env"
        self.python = home / "python"
        self.python.write_text(FAKE.format(home=home))
        self.python.chmod(0o755)

    def make(self, profile: str = "run") -> subprocess.CompletedProcess[str]:
        self.calls_file.write_text("")
        return subprocess.run(
            ["scripts/venv", profile],
            cwd=ROOT,
            env={**os.environ, "VENV": str(self.venv), "PYTHON": str(self.python)},
            capture_output=True,
            text=True,
            check=False,
        )

    def fail_once(self, step: str) -> None:
        (self.home / "fails").write_text(step)

    @property
    def calls_file(self) -> Path:
        return self.home / "calls"

    def calls(self, word: str) -> list[str]:
        return [call for call in self.calls_file.read_text().splitlines() if word in call]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_lock_is_installed_and_never_resolved(checkout: Checkout) -> None:
    assert checkout.make("dev").returncode == 0
    (lock,) = checkout.calls("requirements/dev.txt")
    assert "--no-deps" in lock
    assert "--require-hashes" in lock
    (project,) = checkout.calls("--editable")
    assert "--no-deps" in project
    assert "--no-build-isolation" in project
    assert len(checkout.calls("pip check")) == 1


def test_what_is_up_to_date_is_left_alone(checkout: Checkout) -> None:
    checkout.make("dev")
    for profile in ("dev", "notify", "run"):
        assert checkout.make(profile).returncode == 0
        assert not checkout.calls("-m")


def test_an_older_file_with_another_text_is_another_lock(checkout: Checkout) -> None:
    checkout.make()
    stamp = checkout.venv / ".installed-run"
    stamp.write_text(stamp.read_text().replace("requirements/run.txt", "requirements/other.txt"))
    os.utime(stamp, (4e9, 4e9))
    assert checkout.make().returncode == 0
    assert len(checkout.calls("requirements/run.txt")) == 1


def test_what_was_broken_off_is_not_taken_for_done(checkout: Checkout) -> None:
    checkout.make("dev")
    (checkout.venv / ".installed-notify").unlink()
    checkout.fail_once("requirements/notify.txt")
    assert checkout.make("notify").returncode != 0
    assert checkout.make("dev").returncode == 0
    assert len(checkout.calls("requirements/dev.txt")) == 1


def test_what_pip_says_of_itself_is_hidden_unless_it_fails(checkout: Checkout) -> None:
    done = checkout.make()
    assert "newer pip" not in done.stdout + done.stderr
    checkout.fail_once("requirements/dev.txt")
    failed = checkout.make("dev")
    assert failed.returncode != 0
    assert "what went wrong" in failed.stderr
    assert not (checkout.venv / ".installed-dev").exists()
    assert checkout.make("dev").returncode == 0


@pytest.mark.parametrize("folder", ["/elsewhere\n", None], ids=["moved", "made by others"])
def test_an_environment_of_another_folder_is_made_anew(
    checkout: Checkout, folder: str | None
) -> None:
    checkout.make()
    mark = checkout.venv / ".folder"
    mark.unlink() if folder is None else mark.write_text(folder)
    assert checkout.make().returncode == 0
    assert len(checkout.calls("-m venv --clear")) == 1
    assert len(checkout.calls("requirements/run.txt")) == 1


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    checkout.make()
    python = checkout.venv / "bin" / "python"
    python.unlink()
    python.symlink_to(checkout.home / "gone")
    assert checkout.make().returncode == 0
    assert len(checkout.calls("-m venv --clear")) == 1


def test_leftovers_that_do_not_go_with_a_new_lock_are_cleared_away(checkout: Checkout) -> None:
    checkout.make()
    (checkout.venv / ".installed-run").unlink()
    checkout.fail_once("pip check")
    assert checkout.make().returncode == 0
    assert len(checkout.calls("-m venv --clear")) == 1
    assert len(checkout.calls("requirements/run.txt")) == 2
    assert len(checkout.calls("pip check")) == 2


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_version_of_a_lock_is_pinned_with_its_hashes(lock: Path) -> None:
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        assert re.match(r"[a-z0-9-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_the_locks_hold_the_same_versions(lock: Path) -> None:
    largest = versions(ROOT / "requirements" / "dev.txt")
    for name, version in versions(lock).items():
        assert largest.get(name, version) == version, name


def test_the_lock_with_ray_has_all_that_tests_and_checks_need() -> None:
    # Its stamp stands for theirs, too.
    assert versions(ROOT / "requirements/dev.txt").keys() <= (
        versions(ROOT / "requirements/ray.txt").keys()
    )


@pytest.mark.parametrize(
    "path", [*LOCKS, ROOT / "tests/browser/package-lock.json"], ids=lambda path: path.name
)
def test_no_lock_names_a_package_index(path: Path) -> None:
    assert not re.search(r"https?:|--index-url|--find-links|resolved", path.read_text())


def versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE))
