"""`make open`: shows the report of a job in the browser, or says where it is."""  # noqa: INP001

import shutil
import subprocess
import sys
from pathlib import Path

import pipeline


def main() -> int:
    """Open it; return an exit code."""
    report = pipeline.load(Path(sys.argv[1])).output_dir / "report.html"
    if not report.exists():
        sys.stderr.write(f"There is no {report} yet: make report JOB={sys.argv[1]}\n")
        return 1
    sys.stdout.write(f"{report}\n")
    opener = shutil.which("xdg-open") or shutil.which("open")
    if opener is None:
        sys.stderr.write("No xdg-open and no open here: open that file in a browser.\n")
        return 0
    if subprocess.run([opener, str(report)], check=False).returncode:  # noqa: S603 - as asked
        sys.stderr.write(f"{opener} found nothing to open it with: open that file in a browser.\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except pipeline.PipelineError as error:
        sys.stderr.write(f"error: {error.message}\n")
        sys.exit(error.exit_code)
