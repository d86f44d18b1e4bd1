"""What the edge tells of a certificate is what the gate reads."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.clientcert import TOO_LONG, Certificate, dn_text, read, told

# As ssl.SSLSocket.getpeercert() words it.
PEERCERT: dict[str, Any] = {
    "subject": ((("organizationName", "Example"),), (("commonName", "ann\r\nX-Evil: 1"), ("userId", "7"))),
    "issuer": ((("commonName", "CA"),),),
    "version": 3,
    "subjectAltName": (
        ("DNS", "ann.example"),
        ("email", "ann@example.com"),
        ("IP Address", "10.0.0.1"),
        ("DirName", ((("commonName", "x"),),)),
        ("URI", "spiffe://example/ann"),
    ),
}


def test_the_subject_and_the_names_that_can_name_somebody() -> None:
    text = told(PEERCERT)
    assert text.isascii()
    assert text.isprintable()
    assert read(text) == Certificate(
        subject=((("organizationName", "Example"),), (("commonName", "ann\r\nX-Evil: 1"), ("userId", "7"))),
        names=(("DNS", "ann.example"), ("email", "ann@example.com"), ("URI", "spiffe://example/ann")),
    )


@pytest.mark.parametrize("nothing", [None, {}])
def test_without_a_certificate_nothing_is_told(nothing: dict[str, Any] | None) -> None:
    assert told(nothing) == ""


def test_a_certificate_with_alternative_names_alone() -> None:
    assert read(told({"subjectAltName": (("DNS", "a"),)})) == Certificate(names=(("DNS", "a"),))


def test_names_without_end_are_told_as_such() -> None:
    text = told({"subject": ((("commonName", "x" * 20_000),),)})
    assert text == TOO_LONG
    with pytest.raises(ValueError, match="longer than 16384"):
        read(text)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text", ["", "!", "é", b64("x"), b64("[]"), b64("{}"), b64('{"subject":1,"names":[]}'),
             b64('{"subject":[[["a"]]],"names":[]}'), b64('{"subject":[],"names":[["a","b","c"]]}'), "aGk"]
)  # fmt: skip
def test_what_no_edge_tells_is_not_understood(text: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        read(text)


PAIR = st.tuples(st.text(), st.text())


@given(st.lists(st.lists(PAIR), min_size=1), st.lists(st.tuples(st.sampled_from(["DNS", "email", "URI"]), st.text())))
def test_whatever_stands_in_it_arrives_as_it_is(subject: list[Any], names: list[tuple[str, str]]) -> None:
    text = told({"subject": subject, "subjectAltName": names})
    if text != TOO_LONG:
        whole = tuple(tuple(one) for one in subject)
        assert read(text) == Certificate(subject=whole, names=tuple(names))


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ((), ""),
        (((("countryName", "DE"),), (("commonName", "ann"),)), "CN=ann,C=DE"),
        (((("commonName", "ann"), ("userId", "7")),), "CN=ann+UID=7"),
        (((("commonName", 'a,b+c"d;e\\f<g>'),),), 'CN=a\\,b\\+c\\"d\\;e\\\\f\\<g\\>'),
        (((("commonName", " #a "),),), "CN=\\ #a\\ "),
        (((("commonName", "#a\0"),),), "CN=\\#a\\00"),
        (((("serialNumber", " "),),), "serialNumber=\\ "),
    ],
)
def test_a_distinguished_name_as_text(subject: Any, text: str) -> None:
    """RFC 4514 §2.4."""
    assert dn_text(Certificate(subject=subject)) == text
