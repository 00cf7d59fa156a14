"""`make demo`: renders jobs/demo.yaml against a sandbox that misbehaves, and judges what came.

One prompt of the job is refused on purpose, so the run is expected to end with exit code 1.
Arguments are passed on to `pipeline run`. What is printed here fits into 60 columns.
"""  # noqa: INP001 - scripts are no package

import os
import sys
from pathlib import Path

from making import spelling
from sandboxed import sandbox, settings

import pipeline
from pipeline.cli.calling import Host
from pipeline.cli.edge import run_command
from pipeline.errors import ExitCode

JOB = Path("jobs/demo.yaml")
REFUSED = {"theatre"}
# One in seven requests meets a 500, costs nothing and is tried again; by the seed, always the same.
SANDBOX = ["--latency=1.2", "--jitter=0.5", "--fault=500=0.15", "--seed=6", "--credits=100"]


def main() -> int:
    """Run the demo; return 0 where it came out as it should, else the exit code of the run."""
    with sandbox(SANDBOX) as url:
        say("The API of this demo is simulated here; nothing is paid.")
        say("It answers some requests with an error,")
        say("and refuses one prompt on purpose.\n")
        os.environ.update(settings(url))
        code = run_command(["run", str(JOB), *sys.argv[1:]], Host(spelling("demo")))
    try:
        outcome = ExitCode(code)
    except ValueError:
        say(f"\nThe demo failed: the run ended with code {code}, which is none of its own.")
        return code
    if outcome is ExitCode.OK:
        return conclude("every clip is ready")
    if outcome is not ExitCode.SOME_FAILED:
        say(f"\nThe demo stopped: the run ended with exit code {code}: {outcome.meaning}.")
        return code
    failed, in_doubt = standing()
    if failed <= REFUSED and not in_doubt:
        return conclude(f"only {listed(failed)} failed, as it should")
    say(f"\nThe demo failed. Failed: {listed(failed)}. In doubt: {listed(in_doubt)}.")
    say("What an earlier demo left undone:")
    say("  make demo ARGS='--retry failed --retry in-doubt'")
    return code


def standing() -> tuple[set[str], set[str]]:
    """Name the tasks that failed, and those in doubt, as the manifest has them."""
    last = {record.task: record.status for record in pipeline.read_manifest(pipeline.load(JOB))}
    failed = {task for task, status in last.items() if status is pipeline.Status.FAILED}
    in_doubt = {task for task, status in last.items() if status is pipeline.Status.IN_DOUBT}
    return failed, in_doubt


def conclude(what: str) -> int:
    """Say what came of it and where to look."""
    folder = Path(os.path.relpath(pipeline.load(JOB).output_dir))
    say(f"\nThe demo went well: {what}.")
    say(f"  clips     {len(list(folder.glob('*.mp4')))} in {folder}/")
    say(f"  manifest  {folder}/manifest.jsonl")
    say("\nGo on with:")
    if (folder / "report.html").exists():
        say(f"  make open JOB={JOB}    the report, in a browser")
    say(f"  make status JOB={JOB}  where the job stands")
    say("  make demo                       renders only what is left")
    return 0


def listed(tasks: set[str]) -> str:
    """Write a set of tasks."""
    return ", ".join(sorted(tasks)) or "none"


def say(text: str) -> None:
    """Print at once, in order with what the run prints."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # before the run listens for it, or after
        sys.exit(ExitCode.SIGINT)
