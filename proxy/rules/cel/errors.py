"""What can be wrong with a guard's condition: when it is loaded, and when it is asked."""

from proxy.errors import StartgateError
from proxy.rules.compiled import GuardFailed

__all__ = ["BadCondition", "GuardFailed"]


class BadCondition(StartgateError):
    """A condition that must not be used.

    `message` says what is wrong and what is allowed; `line` and `column` count from 1, in characters, within the
    condition's own text.
    """

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{line}:{column}: {message}")
        self.message = message
        self.line = line
        self.column = column
