"""From certificates to users: each rule, and what is a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.clientcert import Certificate, dn_text
from proxy.identity.certificates import read_dn, username_of
from proxy.settings import CertificateNames

ANN = Certificate(
    subject=(
        (("countryName", "DE"),),
        (("organizationName", "Example, Inc."),),
        (("organizationalUnitName", "data"),),
        (("commonName", "ann"),),
    ),
    names=(("DNS", "ann.example"), ("email", "ann@example.com"), ("URI", "spiffe://example/ann")),
)


@pytest.mark.parametrize(
    ("rule", "user"),
    [
        ("cn", "ann"),
        ("dn", r"CN=ann,OU=data,O=Example\, Inc.,C=DE"),
        ("email", "ann@example.com"),
        ("dns", "ann.example"),
        ("uri", "spiffe://example/ann"),
    ],
)
def test_each_rule(rule: str, user: str) -> None:
    assert username_of(ANN, CertificateNames(username=rule)) == user
    assert username_of(Certificate(), CertificateNames(username=rule)) is None


@pytest.mark.parametrize("rule", ["cn", "email", "dns", "uri"])
def test_several_values_are_a_guess(rule: str) -> None:
    twice = Certificate(
        subject=((("commonName", "ann"),), (("commonName", "admin"),)),
        names=tuple((kind, f"{value}@x") for kind in ("DNS", "email", "URI") for value in ("a", "b")),
    )
    with pytest.raises(ValueError, match=rf"several values of \[{rule}\]"):
        username_of(twice, CertificateNames(username=rule))


@pytest.mark.parametrize("name", ["", " ", "ann\0.evil", "änn", "ann ", "x" * 508])
def test_a_value_that_is_no_name_names_nobody(name: str) -> None:
    with pytest.raises(ValueError, match=r"its \[cn\]"):
        username_of(Certificate(subject=((("commonName", name),),)), CertificateNames(username="cn"))


@pytest.mark.parametrize(
    "written",
    [
        r"CN=ann,OU=data,O=Example\, Inc.,C=DE",
        r" cn = ann , ou=data, o=Example\, Inc. , c=DE ",
        r"commonName=ann,organizationalUnitName=data,O=Example\2C Inc.,C=DE",
    ],
)
def test_a_map_finds_who_is_meant(written: str) -> None:
    rule = CertificateNames(users=(("CN=bob", "bob"), (written, "anna")))
    assert username_of(ANN, rule) == "anna"


@pytest.mark.parametrize(
    "written", ["CN=ann", "CN=Ann,OU=data,O=Example\\, Inc.,C=DE", "C=DE,O=Example\\, Inc.,OU=data,CN=ann"]
)
def test_a_map_finds_nobody_else(written: str) -> None:
    assert username_of(ANN, CertificateNames(users=((written, "ann"),))) is None


def test_the_order_within_one_part_means_nothing() -> None:
    both = Certificate(subject=((("commonName", "ann"), ("userId", "7")),))
    assert dn_text(both) == "CN=ann+UID=7"
    assert username_of(both, CertificateNames(users=(("UID=7+CN=ann", "ann"),))) == "ann"


@pytest.mark.parametrize(
    "written", ["", "ann", "CN=", "=ann", "CN=ann,", "CN=ann,,O=x", "CN=ann\\", "CN=\\ff", "CN=a+"]
)
def test_what_is_no_distinguished_name(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the texts are told apart below
        read_dn(written)


@pytest.mark.parametrize(
    ("written", "value"), [("CN=ann\\ ", "ann "), ("CN=ann\\\\", "ann\\"), ("CN= ann  ", "ann"), ("CN=\\C3\\A4", "ä")]
)
def test_escapes(written: str, value: str) -> None:
    assert read_dn(written) == (frozenset({("CN", value)}),)


def test_faults_name_the_part() -> None:
    with pytest.raises(ValueError, match="'ann' is not attribute=value"):
        read_dn("O=x, ann")
    with pytest.raises(ValueError, match="ends with a backslash"):
        read_dn("CN=ann\\")


VALUES = st.text(min_size=1).filter(lambda text: text.strip() != "" and not text[0].isspace())


@given(st.lists(st.tuples(st.sampled_from(["commonName", "organizationName", "2.5.4.17"]), VALUES), min_size=1))
def test_a_name_that_is_written_is_read_as_itself(parts: list[tuple[str, str]]) -> None:
    """Whatever stands in it, it becomes no other name: a comma in a value is no end of it."""
    trimmed = [(name, value if not value[-1].isspace() or value[-1] == " " else value + "x") for name, value in parts]
    trimmed = [(name, value.rstrip(" ") + " " * (value != value.rstrip(" "))) for name, value in trimmed]
    certificate = Certificate(subject=tuple((pair,) for pair in trimmed))
    assert username_of(certificate, CertificateNames(users=((dn_text(certificate), "x"),))) == "x"
