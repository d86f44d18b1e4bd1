"""Elasticsearch's own security model, asked over a pipe: the classes of a release without its node."""

import base64
import subprocess
from collections.abc import Iterable
from types import TracebackType

from proxy.privileges.automata import following
from proxy.privileges.patterns import Language, Term
from tests.real import jars, java
from tests.real.versions import Version


class Refused(Exception):
    """The model refused what it was asked; the text is its own."""


class DfaMachine:
    """A deterministic automaton as the model writes it; it dies where no transition leads on."""

    def __init__(self, text: str) -> None:
        accepting, _, transitions = text.partition("\n")
        self._accepting = {int(state) for state in accepting.split(",") if state}
        self._next: dict[int, list[tuple[str, str, int]]] = {}
        for transition in filter(None, transitions.split(";")):
            state, low, high, target = (int(part) for part in transition.split(","))
            self._next.setdefault(state, []).append((chr(low), chr(high), target))
        self._live = self._leading_to(self._accepting)

    def _leading_to(self, targets: set[int]) -> set[int]:
        found = set(targets)
        while more := {
            state
            for state, ways in self._next.items()
            if state not in found and any(target in found for _, _, target in ways)
        }:
            found |= more
        return found

    def start(self) -> int:
        """See Machine."""
        return 0

    def step(self, state: int, char: str) -> int:
        """See Machine."""
        return next((to for low, high, to in self._next.get(state, ()) if low <= char <= high), -1)

    def accepts(self, state: int) -> bool:
        """See Machine."""
        return state in self._accepting

    def dead(self, state: int) -> bool:
        """See Machine."""
        return state not in self._live

    def boundaries(self) -> frozenset[str]:
        """See Machine."""
        edges = ((low, following(high)) for ways in self._next.values() for low, high, _ in ways)
        return frozenset(edge for pair in edges for edge in pair)

    def choices(self, state: int) -> None:
        """See Machine: any character may matter."""


class Model:
    """The security model of one release, in a process of its own. Raises CannotRun where it cannot be had."""

    def __init__(self, version: Version) -> None:
        self.version = version
        # The model's jar goes first: both hold resources of the same name.
        path = f"{jars.privileges(version)}:{jars.security(version)}/*:{jars.jars(version)}/*"
        command = [str(java.runtime(*version.java)), "-Xmx512m", "-XX:+UseSerialGC", "-cp", path, "PrivilegeOracle"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    @property
    def minor(self) -> tuple[int, int]:
        """Major and minor number of the release."""
        major, minor, _ = self.version.number.split(".")
        return int(major), int(minor)

    def __enter__(self) -> "Model":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def ask(self, question: str, *arguments: str | Iterable[str]) -> str:
        """The answer to one question; lists are joined as the program reads them. Raises Refused."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        texts = (part if isinstance(part, str) else "\n".join(part) for part in arguments)
        words = [question, *(base64.b64encode(text.encode()).decode() for text in texts)]
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        verdict, _, answer = self._process.stdout.readline().strip().partition(" ")
        text = base64.b64decode(answer).decode()
        if verdict != "ok":
            raise Refused(text or f"the model of {self.version.number} is gone")
        return text

    def language(self, question: str, *arguments: str | Iterable[str]) -> Language:
        """The automaton that answers a question, as a set of texts. Raises Refused."""
        return Language((Term((DfaMachine(self.ask(question, *arguments)),)),))
