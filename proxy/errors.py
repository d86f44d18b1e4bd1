"""Every error that Startgate raises itself, as one tree.

- StartgateError
  - Refusal: answered to a client, in Elasticsearch's own shape (`error_body`)
    - PlainRefusal: the same, in the older shape that its router uses (`{"error": "…", "status": …}`)
    - PassedOn: the cluster's own refusal of a call that the gate made for the client
  - InvalidInput: files or options that an operator wrote; carries every `Fault` found, not only the first
    - ConfigError: `startgate.yml` or the environment
    - RulesError: a rule file
  - ClusterUnreachable: no node of the cluster answered
  - JournalError: the audit record cannot be made durable
  - CannotServe: a process of Startgate cannot start or go on
  - WireError (`wire.errors`): a peer sent something that is not strict HTTP/1.1
  - BadCondition (`rules.cel`): the condition of a guard is wrong; whoever loads it makes a `Fault` of that
  - UnknownPrivilege, InvalidRole, Undecidable (`privileges`), GuardFailed (`rules.compiled`): what cannot be judged,
    so that whoever asks denies

What a client may read is in `Refusal`; anything inner goes to the log and the journal, never out.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class StartgateError(Exception):
    """Base of the tree. Raise one of the classes below it."""


# Of one reason. A start over thousands of sources that are all denied names each of them, for each privilege: beyond
# this nobody reads it, and clients give up on tens of megabytes.
REASON_CHARS = 256 * 1024


class Refusal(StartgateError):
    """A request that is answered with an error of our own.

    `status` is the HTTP status; `type` and `reason` are Elasticsearch's names for error kind and text, the text cut
    beyond `REASON_CHARS`, with a mark of how long it was;
    `caused_by` is put into the body where given; `headers` are added to the answer.
    """

    def __init__(
        self,
        status: int,
        type: str,
        reason: str,
        *,
        caused_by: Mapping[str, Any] | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        if len(reason) > REASON_CHARS:
            reason = f"{reason[:REASON_CHARS]}…[{len(reason)} characters]"
        super().__init__(reason)
        self.status = status
        self.type = type
        self.reason = reason
        self.caused_by = caused_by
        self.headers = tuple(headers)

    def body(self) -> dict[str, Any]:
        """The error body as Elasticsearch words it."""
        return error_body(self.status, self.type, self.reason, caused_by=self.caused_by)


class PlainRefusal(Refusal):
    """Elasticsearch's router and content-type checks answer with a plain text under `error`, without a type."""

    def body(self) -> dict[str, Any]:
        """`{"error": reason, "status": status}`."""
        return {"error": self.reason, "status": self.status}


class PassedOn(Refusal):
    """What the cluster itself answered to a call that was made with the client's own credentials.

    `content` is the decoded body, with the client's own request named in place of the one that the gate made.
    """

    def __init__(self, status: int, content: Mapping[str, Any], *, headers: Sequence[tuple[str, str]] = ()) -> None:
        error = content.get("error")
        known = error if isinstance(error, Mapping) else {"type": "exception", "reason": str(error)}
        super().__init__(status, str(known.get("type")), str(known.get("reason")), headers=headers)
        self.content = content

    def body(self) -> dict[str, Any]:
        """The cluster's own words."""
        return dict(self.content)


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in something an operator wrote.

    `where` is a file path or the name of an environment variable; `line` and `column` count from 1 and are 0 where
    they mean nothing; `message` says what is wrong and what is allowed.
    """

    where: str
    message: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}:{self.column}" if self.line else self.where
        return f"{place}: {self.message}"


class InvalidInput(StartgateError):
    """Something that an operator wrote is wrong; `faults` holds everything found, in order of file and line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.where, fault.line, fault.column)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class ConfigError(InvalidInput):
    """`startgate.yml`, a file it names, or a `STARTGATE_…` variable is wrong."""


class RulesError(InvalidInput):
    """A rule file is wrong; the rules in it must not be used."""


class ClusterUnreachable(StartgateError):
    """No answer came from the cluster; the text names what was tried and what failed."""


class JournalError(StartgateError):
    """A record could not be made durable; nothing that needed it may happen."""


class JournalLate(JournalError):
    """A record was not durable in time, and may become so: the disk has it, and has not answered."""


class CannotServe(StartgateError):
    """A process cannot start or go on; `exit_status` is what it ends with (see `ExitStatus`)."""

    def __init__(self, exit_status: int, message: str) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class ExitStatus(IntEnum):
    """What a command ends with. 1 stays what Python gives an error that nobody foresaw."""

    OK = 0
    # Something that an operator wrote is wrong: options, configuration, rules, credentials, files.
    INVALID = 2
    # The cluster does not answer.
    UNREACHABLE = 3
    # An address cannot be listened on.
    ADDRESS = 4


def error_body(
    status: int,
    type: str,
    reason: str,
    *,
    caused_by: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An error in Elasticsearch's shape: `{"error": {"root_cause": […], "type": …, "reason": …}, "status": …}`."""
    error: dict[str, Any] = {"root_cause": [{"type": type, "reason": reason}], "type": type, "reason": reason}
    if caused_by is not None:
        error["caused_by"] = dict(caused_by)
    return {"error": error, "status": status}


def nearest(word: str, allowed: Iterable[str]) -> str:
    """The allowed spelling nearest to `word` as a ready hint, ` (did you mean …?)`, or an empty text."""
    return meant(closest(word, allowed))


def closest(word: str, allowed: Iterable[str]) -> str:
    """The allowed spelling nearest to `word`, empty where none resembles it."""
    return next(iter(difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.6)), "")


def meant(spelling: str) -> str:
    """A spelling as a ready hint, as of `nearest`; empty for none."""
    return f" (did you mean {spelling!r}?)" if spelling else ""
