"""Masking: equal values stay equal, nothing of a masked value stays anywhere, what is needed to go on stays."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.journal.allowed import allowed
from proxy.journal.fields import FIELDS, Kind
from proxy.journal.mask import MASKABLE, Mask
from proxy.settings import Masking

KEY = "0123456789abcdef"
ALL = Mask(Masking(fields=tuple(MASKABLE), key=KEY))
NAMES = Mask(Masking(fields=("user.name",), key=KEY))


def mask_of(value: str, key: str = KEY) -> str:
    return "masked:" + hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()[:20]


def record(name: str = "ann", **ours: Any) -> dict[str, Any]:
    return {
        "event": {"id": "r1", "reason": f"user [{name}] may not"},
        "user": {"name": name, "roles": ["analyst"]},
        "source": {"address": "10.1.2.3", "ip": "10.1.2.3", "port": 80},
        "startgate": {"caller": {"name": name, "roles": ["analyst"]}, "job": {"id": "outliers"}, **ours},
    }


def test_a_mask_is_a_keyed_hash() -> None:
    told = NAMES.masked(record())
    assert told["user"]["name"] == told["startgate"]["caller"]["name"] == mask_of("ann")
    other = Mask(Masking(fields=("user.name",), key="another key 0123")).masked(record())
    assert other["user"]["name"] == mask_of("ann", "another key 0123") != told["user"]["name"]


def test_sentences_quote_the_mask() -> None:
    assert NAMES.masked(record())["event"]["reason"] == f"user [{mask_of('ann')}] may not"


@pytest.mark.parametrize(
    "text",
    [
        "action [cluster:x] is unauthorized for user [{}] run as [ann] with effective roles [analyst]",
        "action [x] is unauthorized for API key id [i] of user [{}]",
        "User [{}] is not allowed",
    ],
)
def test_somebody_whom_no_field_holds_is_masked_where_the_cluster_names_them(text: str) -> None:
    """Whoever acts as another: `_authenticate` tells the other alone."""
    one = record()
    one["event"]["reason"] = text.format("bob")
    assert NAMES.masked(one)["event"]["reason"] == text.format(mask_of("bob")).replace("ann]", f"{mask_of('ann')}]")
    addresses = Mask(Masking(fields=("source.address",), key=KEY))
    one = record()
    one["event"]["reason"] = text.format("bob")
    assert addresses.masked(one)["event"]["reason"] == text.format("bob")


def test_nothing_else_is_touched() -> None:
    told = NAMES.masked(record())
    assert told["user"]["roles"] == ["analyst"]
    assert told["source"] == {"address": "10.1.2.3", "ip": "10.1.2.3", "port": 80}
    assert told["startgate"]["job"] == {"id": "outliers"}
    assert told["event"]["id"] == "r1"


def test_without_fields_a_record_is_as_it_was() -> None:
    one = record(situation={"format": 1})
    assert Mask(Masking()).masked(one) == record(situation={"format": 1})


def test_addresses_are_masked_wherever_they_stand() -> None:
    one = record(forwarded={"for": ["192.0.2.1", "2001:db8::1"], "header": ["for=192.0.2.1"]})
    one["client"] = {"address": "192.0.2.1, 2001:db8::1"}
    one["event"]["reason"] = "10.1.2.3:80 for 192.0.2.1, not 10.1.2.30"
    told = Mask(Masking(fields=("source.address",), key=KEY)).masked(one)
    assert told["source"] == {"address": mask_of("10.1.2.3"), "port": 80}
    assert told["startgate"]["forwarded"]["for"] == [mask_of("192.0.2.1"), mask_of("2001:db8::1")]
    assert told["event"]["reason"] == f"{mask_of('10.1.2.3')}:80 for {mask_of('192.0.2.1')}, not 10.1.2.30"
    assert told["user"]["name"] == "ann"


def test_an_ip_address_is_left_out_and_not_quoted() -> None:
    one = record()
    one["source"] = {"address": "[::1]", "ip": "::1"}
    one["event"]["reason"] = "from ::1"
    told = Mask(Masking(fields=("source.address",), key=KEY)).masked(one)
    assert told["source"] == {"address": mask_of("[::1]")}
    assert told["event"]["reason"] == f"from {mask_of('::1')}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ann", "{}"),
        ("ann, ann's, (ann)", "{}, {}'s, ({})"),
        ("annual joanna ann_2", "annual joanna ann_2"),
        ('{"user":"ann"}', '{{"user":"{}"}}'),
    ],
)
def test_a_name_is_a_word(text: str, told: str) -> None:
    one = record()
    one["event"]["reason"] = text
    mask = mask_of("ann")
    assert NAMES.masked(one)["event"]["reason"] == told.format(mask, mask, mask)


def test_the_longest_name_counts() -> None:
    one = record(secondary={"name": "ann.smith"})
    one["event"]["reason"] = "ann.smith and ann"
    assert NAMES.masked(one)["event"]["reason"] == f"{mask_of('ann.smith')} and {mask_of('ann')}"


@pytest.mark.parametrize("name", ['a"n\\n', "änne", "名前", "ann smith", "a/n", "\ud83d"])
def test_odd_names_are_masked_within_json_and_paths(name: str) -> None:
    one = record(name, verdict={"steps": [{"seen": json.dumps({"caller.username": name})}], "reasons": []})
    one["event"]["reason"] = f"user [{name}]" + (f" and 前{name}後" if not name.isascii() else "")
    told = NAMES.masked(one)
    assert name not in str(told)
    assert json.dumps(name)[1:-1] not in json.dumps(told)


def test_the_beginning_of_a_name_at_a_cut_goes() -> None:
    one = record("annabel")
    one["event"]["reason"] = "the user anna…[1200 characters]"
    assert NAMES.masked(one)["event"]["reason"] == "the user …[1200 characters]"
    one = record("annabel")
    one["event"]["reason"] = "the user bob…[1200 characters]"
    assert NAMES.masked(one)["event"]["reason"] == "the user bob…[1200 characters]"


def test_what_could_be_judged_again_is_left_out_as_a_whole() -> None:
    told = NAMES.masked(record(situation={"format": 1, "caller": {"username": "ann"}}))
    assert told["startgate"]["situation"] == {"omitted": "it holds what journal.mask masks"}


@pytest.mark.parametrize(
    ("status", "known", "left_out"),
    [(401, False, True), (401, True, True), (403, False, True), (403, True, False), (400, False, False)],
)
def test_what_the_cluster_says_of_somebody_it_does_not_know_is_left_out(
    status: int, known: bool, left_out: bool
) -> None:
    one = record(receipt="r1")
    one["http"] = {"response": {"status_code": status}}
    one["event"]["reason"] = "unable to authenticate user [bob]"
    if not known:
        del one["user"], one["startgate"]["caller"]
    told = NAMES.masked(one)["event"]["reason"]
    rest = f"unable to authenticate user [{mask_of('bob')}]"
    assert told == ("masked:the cluster's words may name somebody" if left_out else rest)


def test_why_it_is_not_known_who_called_is_left_out() -> None:
    one = record(observed={"unknown_who": "secondary: unable to authenticate user [bob]", "by": "secondary"})
    assert NAMES.masked(one)["startgate"]["observed"] == {
        "unknown_who": "masked:the cluster's words may name somebody",
        "by": "secondary",
    }


def test_such_words_stay_where_names_are_not_masked() -> None:
    one = record(receipt="r1", observed={"unknown_who": "caller: user [bob]"})
    one["http"] = {"response": {"status_code": 401}}
    addresses = Mask(Masking(fields=("source.address",), key=KEY)).masked(one)
    assert addresses["startgate"]["observed"]["unknown_who"] == "caller: user [bob]"
    assert addresses["event"]["reason"] == "user [ann] may not"


def test_what_is_empty_stays() -> None:
    one = record("")
    one["event"]["reason"] = "nobody"
    told = NAMES.masked(one)
    assert (told["user"]["name"], told["event"]["reason"]) == ("", "nobody")


def test_a_mask_from_an_earlier_record_is_not_masked_again() -> None:
    mask = mask_of("kim")
    one = record(owner={"kind": "api_key", "api_key": {"id": "i", "name": mask}, "seen": {"known": True, "name": mask}})
    # Whoever calls themselves or their key so is no other.
    one["user"]["name"] = mask
    told = ALL.masked(one)
    assert told["startgate"]["owner"]["seen"]["name"] == mask
    assert told["startgate"]["owner"]["api_key"]["name"] == told["user"]["name"] == mask_of(mask)


def test_whatever_is_masked_with_another_is_a_field() -> None:
    for head, others in MASKABLE.items():
        for name in (head, *others):
            assert FIELDS[name].kind in (Kind.KEYWORD, Kind.KEYWORDS, Kind.ADDRESS), name


def test_what_it_takes_to_go_on_cannot_be_masked() -> None:
    masked = {name for head, others in MASKABLE.items() for name in (head, *others)}
    for needed in ("receipt", "phase", "chain", "job", "destination", "verdict", "end", "rules"):
        assert not [name for name in masked if name.startswith(f"startgate.{needed}")]


@given(st.text(min_size=4, max_size=40), st.lists(st.text(max_size=20), max_size=4))
def test_no_bordered_name_is_left_in_any_text(name: str, around: list[str]) -> None:
    one, _ = allowed(record(name))
    one["event"]["reason"] = f" [{name}] ".join(around)
    assert f"[{name}]" not in NAMES.masked(one)["event"]["reason"]
