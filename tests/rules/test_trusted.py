"""Trusted intermediaries: who may be named alone, and who not."""

import pytest

from proxy.rules.compiled import Origin, Trusted
from tests.rules.samples import VALID
from tests.rules.texts import compiled, valid


def test_the_built_in_ones_where_none_is_written() -> None:
    assert [(one.username, one.realm, one.realm_type) for one in valid(VALID).trusted] == [
        ("kibana_system", "reserved", "reserved"),
        ("elastic/kibana", "_service_account", "_service_account"),
    ]


def test_others_with_their_realm() -> None:
    rules = valid(VALID + "  trusted_intermediaries: [{username: portal, realm: file1}]\n")
    assert rules.trusted == (Trusted("portal", "file1", Origin("a.yml", 7)),)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("[{realm: b}]", "7:28: `username` is missing: an intermediary is trusted by user name and realm"),
        ("[{username: a, realm: [b]}]", "7:49: `realm` takes text here, not a list"),
        ("[kibana_system, kibana_system]", "7:43: `kibana_system` of the realm `reserved` is there twice"),
        ("[1]", "7:28: `trusted_intermediaries` takes text, but YAML reads `1` as int; put it in quotes"),
    ],
)
def test_faults(written: str, fault: str) -> None:
    assert compiled(VALID + f"  trusted_intermediaries: {written}\n") == (None, [f"a.yml:{fault}"])


def test_all_that_is_wrong_is_told_and_a_name_alone_needs_its_realm() -> None:
    written = "[kibana, {username: portal}, elastic/kibana, other]"
    needs = "needs its realm beside it, as users of that name may be in several realms: "
    names = "by name alone: `kibana_system`, `elastic/kibana`"
    assert compiled(VALID + f"  trusted_intermediaries: {written}\n") == (
        None,
        [
            f"a.yml:7:28: `kibana` {needs}{{username: kibana, realm: …}} (did you mean 'kibana_system'?); {names}",
            "a.yml:7:36: `realm` is missing: an intermediary is trusted by user name and realm",
            f"a.yml:7:72: `other` {needs}{{username: other, realm: …}}; {names}",
        ],
    )


def test_where_a_name_alone_stands_and_where_none_does() -> None:
    (one,) = valid(VALID + "  trusted_intermediaries: [elastic/kibana]\n").trusted
    assert one == Trusted("elastic/kibana", "_service_account", Origin("a.yml", 7), "_service_account")
    assert {str(one.origin).partition(":")[0] for one in valid(VALID).trusted} == {"a.yml"}
