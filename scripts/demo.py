"""`make demo`: renders jobs/demo.yaml against a sandbox that misbehaves, and judges what came.

The run is killed once in the middle, and the same command again brings what the first one had paid
for. One prompt of the job is refused on purpose, so the run is expected to end with exit code 1.
Arguments are passed on to `pipeline run`. What is printed here fits into 60 columns.
"""  # noqa: INP001 - scripts are no package

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from comparing import Comparison, compare
from killing import killed_in_the_middle
from making import spelling
from sandboxed import sandbox, settings

import pipeline
from pipeline.cli.calling import Host
from pipeline.cli.edge import run_command
from pipeline.errors import ExitCode
from sandbox.testing import Sandbox

JOB = Path("jobs/demo.yaml")
REFUSED = {"theatre"}
# One in seven requests meets a 500, costs nothing and is tried again; by the seed, always the same.
SANDBOX = ["--latency=1.2", "--jitter=0.5", "--fault=500=0.15", "--seed=6", "--credits=100"]
ONE_RUN = "--one-run"  # makes of this script the run that is killed
PAID_BEFORE = 4  # clips that are paid for when the run is killed


def main() -> int:
    """Run the demo; return 0 where it came out as it should, else the exit code of the run."""
    arguments = sys.argv[1:]
    if arguments[:1] == [ONE_RUN]:
        return run(arguments[1:])
    with sandbox(SANDBOX) as url:
        say("The API of this demo is simulated here; nothing is paid.")
        say("It answers some requests with an error,")
        say("and refuses one prompt on purpose.\n")
        os.environ.update(settings(url))
        api = Sandbox()
        api.url = url
        command = [sys.executable, __file__, ONE_RUN, *arguments]
        code = killed_in_the_middle(command, api, PAID_BEFORE)
        if code is None:
            tell_of_the_kill(api)
            code = run(arguments)
        return judge(code, job_of(arguments), api)


def run(arguments: Sequence[str]) -> int:
    """Run the job in this process; return the exit code."""
    return run_command(["run", str(JOB), *arguments], Host(spelling("demo")))


def job_of(arguments: Sequence[str]) -> pipeline.Job:
    """Load the job with the output directory that the arguments name, if they name one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--output")
    return pipeline.load(JOB, output=parser.parse_known_args(arguments)[0].output)


def tell_of_the_kill(api: Sandbox) -> None:
    """Say what has happened to the run, and what it leaves."""
    pending = sum(request["state"] == "PENDING" for request in api.requests())
    say("\n\nThis demo has killed the run: SIGKILL, as by kill -9.")
    say(f"The API still renders {pending} clips for it, and charges them.")
    say("Now the same command again. It asks the API for them:\n")


def judge(code: int, job: pipeline.Job, api: Sandbox) -> int:
    """Say how the demo went; return 0 where it went well."""
    try:
        outcome = ExitCode(code)
    except ValueError:
        say(f"\nThe demo failed: the run ended with code {code}, which is none of its own.")
        return code
    if outcome not in {ExitCode.OK, ExitCode.SOME_FAILED}:
        say(f"\nThe demo stopped: the run ended with exit code {code}: {outcome.meaning}.")
        return code
    now = compare(job, api)
    if not now.failed <= REFUSED or now.in_doubt:
        say(f"\nThe demo failed. Failed: {listed(now.failed)}. In doubt: {listed(now.in_doubt)}.")
        say("What an earlier demo left undone:")
        say("  make demo ARGS='--retry failed --retry in-doubt'")
        return code
    if not now.agrees:
        say("\nThe demo failed: the books of the API say otherwise.")
        say(f"  charged   ${now.charged}, twice for: {listed(now.twice)}")
        say(f"  recorded  ${now.recorded}")
        return ExitCode.BUG
    failed = f"only {listed(now.failed)} failed, as it should"
    conclude("every clip is ready" if outcome is ExitCode.OK else failed, job, now)
    return 0


def conclude(what: str, job: pipeline.Job, now: Comparison) -> None:
    """Say what came of it and where to look."""
    folder = Path(os.path.relpath(job.output_dir))
    say(f"\nThe demo went well: {what}.")
    say(f"  clips     {len(list(folder.glob('*.mp4')))} in {folder}/")
    say(f"  manifest  {folder}/manifest.jsonl")
    if now.clips:
        say(f"  charged   ${now.charged} for {now.clips} clips, by the API's books")
        say(f"  recorded  ${now.recorded} in the manifest: nothing is lost,")
        say("            and nothing is paid twice")
    say("\nGo on with:")
    if (folder / "report.html").exists():
        say(f"  make open JOB={JOB}    the report, in a browser")
    say(f"  make status JOB={JOB}  where the job stands")
    say("  make demo                       renders only what is left")


def listed(names: set[str]) -> str:
    """Write a set of names."""
    return ", ".join(sorted(names)) or "none"


def say(text: str) -> None:
    """Print at once, in order with what the run prints."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # before the run listens for it, or after
        sys.exit(ExitCode.SIGINT)
