"""Coverage of the lifecycle: which transitions of its table the runs of this session have taken.

A pytest plugin. It counts in every worker of xdist, and the controller prints the sum. With
`--transitions`, as in `make test`, a session that has not taken every transition fails. Counted is
what happens in a run, within an event loop of this process: not the real command in a process of
its own, and not a test that walks through the table.
"""

import asyncio

import pytest

Transition = tuple[str, str]
_KEY = "lifecycle_transitions"


class TransitionCoverage:
    """The transitions taken in this process, and in the workers that have reported."""

    def __init__(self, config: pytest.Config) -> None:
        asked = config.getoption("transitions", default=False)
        self._required = asked and not config.option.collectonly
        self._taken: set[Transition] = set()

        # Not at the top: imported before coverage is measured, it would not be.
        from pipeline.runtime import lifecycle  # noqa: PLC0415

        self._all = [(str(before), str(after)) for before, after in lifecycle.transitions()]
        lifecycle.observers.append(self.observe)

    def observe(self, before: str, after: str) -> None:
        """Count a transition."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        self._taken.add((str(before), str(after)))

    def missing(self) -> list[Transition]:
        """List the transitions that were not taken, in the order of the table."""
        return [transition for transition in self._all if transition not in self._taken]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Add what a worker of xdist has reported."""
        report: dict[str, list[Transition]] = getattr(node, "workeroutput", {})
        self._taken.update((before, after) for before, after in report.get(_KEY, ()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Report to the controller; there, fail a session that has to take every transition."""
        output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_KEY] = sorted(self._taken)
        elif self._required and session.exitstatus == pytest.ExitCode.OK and self.missing():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print how many transitions were taken, and those that were not."""
        if not (self._taken or self._required):
            return
        missing, total = self.missing(), len(self._all)
        share = 100 * (total - len(missing)) / total
        terminalreporter.write_line(
            f"lifecycle: {total - len(missing)} of {total} transitions covered ({share:.1f} %)"
        )
        for before, after in missing:
            terminalreporter.write_line(f"  not covered: {before} → {after}", red=self._required)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that makes full coverage a condition."""
    parser.addoption(
        "--transitions",
        action="store_true",
        help="fail unless every transition of the lifecycle was taken",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.pluginmanager.register(TransitionCoverage(config), "transition-coverage")
