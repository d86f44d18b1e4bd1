"""Source against destination."""

import pytest

from proxy.embedded.backend import Answer, Call
from proxy.embedded.core import Core
from proxy.embedded.failure import Failure
from proxy.embedded.ml.indices import Indices
from proxy.embedded.ml.validation import validate_source_and_destination

NO_WRITER = (
    "no write index is defined for alias [{}]. The write index may be explicitly disabled using"
    " is_write_index=false or the alias points to multiple indices without one being designated as a write index"
)


@pytest.fixture
async def indices() -> Indices:
    found = Indices(Core())
    for name in ("a1", "a2", "b"):
        await found.create(name, {})
    actions = [
        {"add": {"index": "a1", "alias": "two"}},
        {"add": {"index": "a2", "alias": "two"}},
        {"add": {"index": "a1", "alias": "one"}},
        {"add": {"index": "a1", "alias": "writes", "is_write_index": True}},
        {"add": {"index": "b", "alias": "writes", "is_write_index": False}},
        {"add": {"index": "b", "alias": "never", "is_write_index": False}},
        {"add": {"index": "b", "alias": "always", "is_write_index": True}},
    ]
    await found.ask("POST", "/_aliases", {"actions": actions})
    return found


@pytest.mark.parametrize(
    ("sources", "destination"),
    [
        (["a1"], "new"),
        (["a*", "one"], "new"),
        (["none*"], "new"),
        (["a1"], "b"),
        (["b"], "one"),
        (["a2"], "writes"),
        (["a1"], "always"),
    ],
)
async def test_good(indices: Indices, sources: list[str], destination: str) -> None:
    await validate_source_and_destination(indices, sources, destination)


@pytest.mark.parametrize(
    ("sources", "destination", "messages"),
    [
        (["missing"], "new", ["no such index [missing]"]),
        (["a1", "m1", "m2"], "new", ["no such index [m1]", "no such index [m2]"]),
        (["a1"], "a1", ["Destination index [a1] is included in source expression [a1]"]),
        (["a*"], "a9", ["Destination index [a9] is included in source expression [a*]"]),
        (["a1"], "one", ["Destination index [a1] is included in source expression [a1]"]),
        (["one"], "a1", ["Destination index [a1] is included in source expression [one]"]),
        (["a1"], "writes", ["Destination index [a1] is included in source expression [a1]"]),
        (["b"], "always", ["Destination index [b] is included in source expression [b]"]),
        (["a1"], "two", [NO_WRITER.format("two")]),
        (["a1"], "never", [NO_WRITER.format("never")]),
        (["b", "nev*"], "never", ["Destination index [never] is included in source expression [nev*]"]),
        (["missing", "b"], "never", ["no such index [missing]", NO_WRITER.format("never")]),
        (["r:x"], "new", ["remote source indices are not supported"]),
        (["missing", "r:x"], "new", ["no such index [missing]", "remote source indices are not supported"]),
    ],
)
async def test_bad(indices: Indices, sources: list[str], destination: str, messages: list[str]) -> None:
    with pytest.raises(Failure) as caught:
        await validate_source_and_destination(indices, sources, destination)
    assert caught.value.status == 400
    assert caught.value.type == "validation_exception"
    assert caught.value.reason == "Validation Failed: " + "".join(f"{n}: {m};" for n, m in enumerate(messages, 1))


async def test_a_closed_source(indices: Indices) -> None:
    await indices.ask("POST", "/b/_close")
    with pytest.raises(Failure) as caught:
        await validate_source_and_destination(indices, ["b"], "new")
    assert (caught.value.status, caught.value.type) == (400, "index_closed_exception")


@pytest.mark.parametrize(("sources", "destination"), [(["bad name"], "x"), (["b"], "bad,<name")])
async def test_other_errors_are_passed_on(indices: Indices, sources: list[str], destination: str) -> None:
    class Refusing(Core):
        async def call(self, call: Call) -> Answer:
            raise Failure(403, "security_exception", "no")

    with pytest.raises(Failure, match="no"):
        await validate_source_and_destination(Indices(Refusing()), sources, destination)
