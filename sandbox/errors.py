"""What the sandbox refuses."""

import click


class SandboxError(click.ClickException):
    """The sandbox cannot do what it was asked to. click prints it and exits with 2.

    `hint` says what to do instead.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def format_message(self) -> str:
        """Write the message, and the hint below it."""
        return f"{self.message}\n  {self.hint}" if self.hint else self.message
