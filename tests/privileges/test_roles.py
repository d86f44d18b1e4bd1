"""Role definitions from the cluster's JSON."""

from typing import Any

import pytest

from proxy.privileges.fields import FieldSecurity
from proxy.privileges.roles import IndexGrant, InvalidRole, Role, role_from_json


def test_reads_a_role_as_the_cluster_gives_it() -> None:
    role = role_from_json(
        "analyst",
        {
            "cluster": ["manage_ml"],
            "indices": [
                {
                    "names": ["logs-*"],
                    "privileges": ["read"],
                    "field_security": {"grant": ["a*"], "except": ["ab"]},
                    "query": '{"match_all":{}}',
                    "allow_restricted_indices": True,
                },
                {"names": "one", "privileges": "all", "query": {"term": {"a": 1}}, "field_security": {"grant": ["*"]}},
            ],
            "applications": [],
            "run_as": ["bob"],
            "metadata": {},
            "transient_metadata": {"enabled": True},
        },
    )
    assert role == Role(
        name="analyst",
        cluster=("manage_ml",),
        indices=(
            IndexGrant(
                names=("logs-*",),
                privileges=("read",),
                field_security=FieldSecurity(("a*",), ("ab",)),
                query='{"match_all":{}}',
                allow_restricted=True,
            ),
            IndexGrant(names=("one",), privileges=("all",), query='{"term": {"a": 1}}'),
        ),
        run_as=("bob",),
    )


def test_reads_a_key_descriptor_with_its_older_spelling() -> None:
    role = role_from_json("key", {"index": [{"names": ["a"], "privileges": ["read"], "field_security": None}]})
    assert role.indices == (IndexGrant(names=("a",), privileges=("read",)),)
    assert role_from_json("none", {}) == Role(name="none")


def test_field_security_without_grant_means_all_but_the_exceptions() -> None:
    role = role_from_json(
        "x", {"indices": [{"names": ["a"], "privileges": ["read"], "field_security": {"except": ["b"]}}]}
    )
    assert role.indices[0].field_security == FieldSecurity(("*",), ("b",))


@pytest.mark.parametrize("switch", [{"transient_metadata": {"enabled": False}}, {"restriction": {"workflows": ["x"]}}])
def test_a_role_that_is_switched_off_or_restricted_to_workflows_grants_nothing(switch: dict[str, Any]) -> None:
    assert role_from_json("x", {"cluster": ["all"], **switch}) == Role(name="x")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"indices": {}, "index": []}, None),
        ({"indices": {"a": 1}}, "role [x]: [indices] must be a list"),
        ({"indices": ["a"]}, "role [x]: every entry of [indices] must be an object"),
        ({"cluster": [1]}, "role [x]: [cluster] must be a list of texts"),
        ({"cluster": {"a": 1}}, "role [x]: [cluster] must be a list of texts"),
        ({"run_as": [1]}, "role [x]: [run_as] must be a list of texts"),
        ({"indices": [{"names": [1]}]}, "role [x]: [names] must be a list of texts"),
        ({"indices": [{"privileges": {"a": 1}}]}, "role [x]: [privileges] must be a list of texts"),
        ({"indices": [{"field_security": {"grant": [1]}}]}, "role [x]: [grant] must be a list of texts"),
        ({"indices": [{"field_security": {"except": [1]}}]}, "role [x]: [except] must be a list of texts"),
        ({"transient_metadata": []}, "role [x]: [transient_metadata] must be an object"),
        (
            {"indices": [{"names": ["a"], "privileges": [], "field_security": "a"}]},
            "role [x]: [field_security] must be an object",
        ),
    ],
)
def test_malformed_roles_are_refused(body: dict[str, Any], text: str | None) -> None:
    if text is None:
        assert role_from_json("x", body).indices == ()
        return
    with pytest.raises(InvalidRole) as caught:
        role_from_json("x", body)
    assert str(caught.value) == text


def test_a_query_is_the_same_text_however_its_parts_are_ordered() -> None:
    role = role_from_json("x", {"indices": [{"query": {"b": 1, "a": {"d": 2, "c": 3}}}]})
    assert role.indices[0].query == '{"a": {"c": 3, "d": 2}, "b": 1}'
