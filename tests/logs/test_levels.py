"""Which loggers there are, and how much each tells."""

import logging

import pytest

from proxy.logs import levels
from proxy.logs.levels import INHERIT, LEVELS, QUIET, NoSuchLevel, changed, known_level, known_logger
from proxy.logs.settings import Levels


def tells(name: str) -> int:
    """The level that counts for a logger."""
    return logging.getLogger(name).getEffectiveLevel()


@pytest.mark.parametrize("name", ["proxy", "proxy.edge", "proxy.edge.refusals", "proxy.supervisor", "proxy.logs"])
def test_packages_and_modules_are_loggers(name: str) -> None:
    assert known_logger(name) == name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("proxy.egde", "did you mean 'proxy.edge'?"),
        ("proxy.egde.refusal", "did you mean 'proxy.edge.refusals'?"),
        ("edge", "did you mean 'proxy.edge'?"),
        ("edge.refusal", "did you mean 'proxy.edge.refusals'?"),
        ("proxi.edge", "did you mean 'proxy.edge'?"),
        ("proxi", "did you mean 'proxy'?"),
        ("proxy.edge.refusal", "did you mean 'proxy.edge.refusals'?"),
        ("proxy.edge.refusals.more", "under proxy.edge.refusals: "),
        ("proxy.__init__", "under proxy: "),
        ("proxy.", "under proxy: "),
        ("proxy.../secrets", "under proxy: "),
        ("aiohttp.access", "each begins with proxy"),
        ("", "each begins with proxy"),
    ],
)
def test_others_are_none(name: str, told: str) -> None:
    with pytest.raises(NoSuchLevel, match=r"there is no logger") as failure:
        known_logger(name)
    assert told in str(failure.value)


@pytest.mark.parametrize("name", ["proxy.zzz.refusals", "zzz.edge", "proxy.edge.qqq", "zzz", "", "."])
def test_nothing_is_suggested_that_there_is_not(name: str) -> None:
    with pytest.raises(NoSuchLevel) as failure:
        known_logger(name)
    assert "did you mean" not in str(failure.value)


def test_every_logger_of_the_package_is_known() -> None:
    """Loggers are named after their modules."""
    for name in logging.Logger.manager.loggerDict:
        if name == "proxy" or name.startswith("proxy."):
            assert known_logger(name) == name


def test_levels_are_known_by_their_words() -> None:
    for word in LEVELS:
        assert known_level(word) == word
    assert known_level(INHERIT, inherit=True) == INHERIT
    for wrong in ("DEBUG", "warn", "", INHERIT):
        with pytest.raises(NoSuchLevel, match="one of debug, info, warning, error, critical"):
            known_level(wrong)
    with pytest.raises(NoSuchLevel, match="did you mean 'warning'"):
        known_level("warnign")


def test_a_change_is_of_one_level() -> None:
    first = changed(Levels(level="info"), "debug", "proxy.edge")
    assert first == Levels(level="info", each={"proxy.edge": "debug"})
    second = changed(first, "error")
    assert second == Levels(level="error", each={"proxy.edge": "debug"})
    assert changed(second, "warning", "proxy.edge").each == {"proxy.edge": "warning"}
    assert changed(second, INHERIT, "proxy.edge").each == {}
    for level, logger in [("loud", None), ("loud", "proxy.edge"), ("debug", "proxy.nothing"), (INHERIT, None)]:
        with pytest.raises(NoSuchLevel):
            changed(first, level, logger)


def test_applied_levels_count_until_others_are() -> None:
    levels.apply(Levels(level="warning", each={"proxy.edge": "debug", "proxy.edge.node": "error"}))
    assert [tells(name) for name in ("proxy.gate.app", "proxy.edge.client", "proxy.edge.node")] == [30, 10, 40]
    levels.apply(Levels(level="info"))
    assert [tells(name) for name in ("proxy.gate.app", "proxy.edge.client", "proxy.edge.node")] == [20, 20, 20]


def test_libraries_never_tell_the_details() -> None:
    """They would tell the bodies of calls."""
    levels.apply(Levels(level="debug"))
    assert tells("proxy.edge") == logging.DEBUG
    for name in ("asyncio", "elastic_transport.node", "elastic_transport.transport", "aiohttp.server", "urllib3"):
        assert tells(name) >= logging.INFO, name
    for name, least in QUIET.items():
        assert tells(name) == least
    levels.apply(Levels(level="critical"))
    assert {tells(name) for name in ("proxy.edge", "asyncio", *QUIET)} == {logging.CRITICAL}
