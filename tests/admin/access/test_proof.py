"""What is shown, as it is sent to the cluster."""

import base64

import pytest

from proxy.admin.access.proof import AUTHORIZATION_CHARS, Proof, Way, api_key, basic, name_of, of_header
from proxy.admin.api import ApiError


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_name_and_a_password() -> None:
    proof = basic("ann", "a:b ü")
    assert proof == Proof(Way.CLUSTER, f"Basic {encoded('ann:a:b ü')}")
    assert name_of(proof) == "ann"
    assert encoded("ann:a:b ü") not in repr(proof)


@pytest.mark.parametrize("key", ["id:secret", encoded("id:secret"), f" {encoded('id:secret')}\n"])
def test_an_api_key_in_either_form(key: str) -> None:
    assert api_key(key) == Proof(Way.CLUSTER, f"ApiKey {encoded('id:secret')}")
    assert name_of(api_key(key)) == ""


@pytest.mark.parametrize(
    ("value", "proof"),
    [
        ("Bearer abc", Proof(Way.TOKEN, "abc")),
        ("bearer  abc ", Proof(Way.TOKEN, "abc")),
        (f"APIKEY {encoded('a:b')}", Proof(Way.CLUSTER, f"ApiKey {encoded('a:b')}")),
        (f"Basic {encoded('a:b')}", Proof(Way.CLUSTER, f"Basic {encoded('a:b')}")),
    ],
)
def test_a_header_shows_one_of_them(value: str, proof: Proof) -> None:
    assert of_header(value) == proof


@pytest.mark.parametrize(
    ("value", "status"),
    [
        *((value, 401) for value in ("", "Basic", "Bearer", "Negotiate abc", "Digest a", "Basic ")),
        *((value, 400) for value in ("Basic !", f"Basic {encoded('nocolon')}", f"Basic {encoded(':b')}", "ApiKey !")),
        *((value, 400) for value in (f"ApiKey {encoded('a:')}", "Basic " + base64.b64encode(b"\xff:\xff").decode())),
    ],
)
def test_what_is_none_is_told(value: str, status: int) -> None:
    with pytest.raises(ApiError) as caught:
        of_header(value)
    assert caught.value.status == status


@pytest.mark.parametrize(("name", "password"), [("", "p"), ("n", ""), ("a:b", "p"), ("n", "p" * AUTHORIZATION_CHARS)])
def test_what_cannot_be_one_is_told_without_it(name: str, password: str) -> None:
    with pytest.raises(ApiError) as caught:
        basic(name, password)
    assert caught.value.status == 400
    assert not password or password * 2 not in str(vars(caught.value))
