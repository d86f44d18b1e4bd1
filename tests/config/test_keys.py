"""The table of keys and the names made from it."""

from dataclasses import fields

import pytest

from proxy.config.keys import KEYS, LISTEN_KEYS, NOT_KEYS, SECTIONS, VARIABLES, siblings, variable
from proxy.settings import EdgeLimits, GateLimits


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("workers", "STARTGATE_WORKERS"),
        ("cluster.nodes", "STARTGATE_CLUSTER__NODES"),
        ("cluster.service.api_key_file", "STARTGATE_CLUSTER__SERVICE__API_KEY_FILE"),
        ("listen.tls.key", "STARTGATE_LISTEN__TLS__KEY"),
    ],
)
def test_variable_of_a_key(key: str, name: str) -> None:
    assert variable(key) == name
    assert VARIABLES[name] == key


def test_every_key_has_its_own_variable_and_a_meaning() -> None:
    assert len(VARIABLES) == len(KEYS) + len(LISTEN_KEYS)
    assert all(KEYS.values())
    assert not [name for name in VARIABLES if NOT_KEYS.fullmatch(name)]


def test_every_limit_is_a_key() -> None:
    assert {f"limits.edge.{limit.name}" for limit in fields(EdgeLimits)} <= set(KEYS)
    assert {f"limits.gate.{limit.name}" for limit in fields(GateLimits)} <= set(KEYS)


def test_a_name_is_a_key_or_a_section_and_never_both() -> None:
    assert not SECTIONS & set(KEYS)
    assert {"cluster", "cluster.service", "cluster.tls", "journal", "gate", "limits", "limits.edge"} <= SECTIONS


def test_siblings() -> None:
    assert {"mask", "mask_key_file", "on_full", "path"} <= set(siblings("journal"))
    assert siblings("listen") == ["address", "proxy_protocol", "tls"]
    assert "cluster" in siblings("")
    assert siblings("nowhere") == []


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("STARTGATE_CONFIG", False),
        ("STARTGATE_PASSWORD", False),
        ("STARTGATE_REQUIRE_REAL", False),
        ("STARTGATE_PORT_9400_TCP", False),
        ("STARTGATE_PORT_9400_TCP_PROTO", False),
        ("STARTGATE_SERVICE_PORT", False),
        ("STARTGATE_PORT_X", True),
        ("STARTGATE_LISTEN", True),
        ("STARTGATE_CONFIGS", True),
    ],
)
def test_variables_that_look_like_keys(name: str, ours: bool) -> None:
    assert (NOT_KEYS.fullmatch(name) is None) is ours
