"""A change of logging on its way from the gate to the supervisor, and from there to all."""

import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from proxy import logs
from proxy.errors import ConfigError, Fault
from proxy.logs import passing, setup
from proxy.logs.passing import LogOrder, Passing, Received, ask, line_of, listened_to, order_of
from proxy.logs.settings import Levels, LogSettings

DEBUG = Levels(level="debug", each={"proxy.edge": "error"})


class Other:
    """A process that is told."""

    def __init__(self) -> None:
        self.lines: list[LogOrder | None] = []

    def tell(self, line: bytes) -> None:
        """Keep what it says."""
        self.lines.append(order_of(line))


def test_an_order_is_a_line_and_back() -> None:
    order = LogOrder(levels=DEBUG, reopen=True)
    assert line_of(order).count(b"\n") == 1
    assert order_of(line_of(order)) == order


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"nonsense",
        b'{"levels": {"level": "loud"}}',
        b'{"levels": {"each": {"proxy.none": "debug"}}}',
        b'{"levels": {"each": {"proxy": "default"}}}',
        b"\xff",
    ],
)
def test_what_is_no_order_is_told_and_changes_nothing(line: bytes, caplog: pytest.LogCaptureFixture) -> None:
    setup.set_levels(DEBUG)
    Received().feed(line + b"\n")
    assert setup.current_levels() == DEBUG
    assert "what another process says of logging cannot be read" in caplog.text


def test_orders_come_in_pieces() -> None:
    received, text = Received(), line_of(LogOrder(levels=Levels(level="error"))) + line_of(LogOrder(levels=DEBUG))
    for byte in text[:-1]:
        received.feed(bytes([byte]))
    assert setup.current_levels() == Levels(level="error")
    received.feed(text[-1:])
    assert setup.current_levels() == DEBUG
    received.feed(b"")


def test_an_order_opens_the_file_again(tmp_path: Path) -> None:
    logs.configure("edge-1", LogSettings(path=str(tmp_path / "log")))
    (tmp_path / "log").rename(tmp_path / "old")
    Received().feed(line_of(LogOrder(levels=Levels(level="info"))))
    assert not (tmp_path / "log").exists()
    Received().feed(line_of(LogOrder(levels=Levels(level="info"), reopen=True)))
    assert (tmp_path / "log").exists()


def test_who_asks_is_first_and_tells_the_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    ask(Levels(level="error"))
    assert setup.current_levels() == Levels(level="error"), "and nobody is there to be told"
    said = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(said))
    listened_to()
    ask(DEBUG)
    assert order_of(said.getvalue()) == LogOrder(levels=DEBUG)


def test_the_supervisor_obeys_and_passes_it_on() -> None:
    others = [Other(), Other()]
    Passing(lambda: others).heard(line_of(LogOrder(levels=DEBUG)))
    assert setup.current_levels() == DEBUG
    assert [one.lines for one in others] == [[LogOrder(levels=DEBUG)]] * 2
    Passing(lambda: others).heard(b"nonsense\n")
    assert [len(one.lines) for one in others] == [1, 1]


def broken() -> Levels:
    """A configuration that cannot be read."""
    raise ConfigError([Fault("startgate.yml", "is odd", 1, 2)])


@pytest.mark.parametrize(
    ("reread", "then"), [(lambda: DEBUG, DEBUG), (broken, Levels(level="error")), (None, Levels(level="error"))]
)
def test_a_reload_takes_the_configurations_levels(
    reread: Callable[[], Levels] | None, then: Levels, caplog: pytest.LogCaptureFixture
) -> None:
    setup.set_levels(Levels(level="error"))
    other = Other()
    Passing(lambda: [other], reread).reload()
    assert setup.current_levels() == then
    assert other.lines == [LogOrder(levels=then, reopen=True)]
    assert ("startgate.yml:1:2: is odd" in caplog.text) == (reread is broken)


def test_both_sides_know_the_same_form() -> None:
    """Of two versions one may know more than the other: what is not known is passed over."""
    more = {"levels": {"level": "info", "each": {}, "more": 1}, "reopen": False, "more": 2}
    assert order_of(msgspec.json.encode(more)) == LogOrder(levels=Levels())
    assert logging.getLogger(passing.__name__).name == "proxy.logs.passing"


def test_what_the_version_before_is_told_counts_for_the_one_that_takes_over() -> None:
    """Its levels as they are; where files are opened again, levels are each version's own."""
    setup.set_levels(Levels(level="warning"))
    other = Other()
    new = Passing(lambda: [other])
    new.inherited(line_of(LogOrder(levels=Levels(level="error"), reopen=True)).rstrip())
    assert setup.current_levels() == Levels(level="warning")
    new.inherited(line_of(LogOrder(levels=DEBUG)).rstrip())
    assert setup.current_levels() == DEBUG
    new.inherited(b"of a version that says something else")
    assert other.lines == [LogOrder(levels=Levels(level="warning"), reopen=True), LogOrder(levels=DEBUG)]
