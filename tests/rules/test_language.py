"""The tables of keys hang together, and every key that they have can be written."""

from collections.abc import Iterator

import pytest

from proxy.rules.forms import Either, Fields, Form, Many, Named
from proxy.rules.language import FILE, TABLES
from tests.rules.texts import RICH


def tables(form: Form) -> Iterator[Fields]:
    """Every table of keys inside a form."""
    if isinstance(form, Fields):
        yield form
        for key in form.keys.values():
            yield from tables(key.form)
    elif isinstance(form, Many):
        yield from tables(form.item)
    elif isinstance(form, Named):
        yield from tables(form.value)
    elif isinstance(form, Either):
        for one in form.forms:
            yield from tables(one)


def test_every_table_has_its_heading() -> None:
    assert list(TABLES.values()) == [FILE, *[table for table in TABLES.values() if table is not FILE]]
    assert {id(table) for table in tables(FILE)} == {id(table) for table in TABLES.values()}


@pytest.mark.parametrize("heading", TABLES)
def test_keys_say_what_they_mean(heading: str) -> None:
    for name, key in TABLES[heading].keys.items():
        assert key.means
        assert key.means[0].islower() or key.means[0] == "`"
        assert not key.means.endswith(".")
        # What must be written has no default.
        assert not (key.missing and key.default), name


def test_the_rich_sample_has_every_key_but_those_that_vouch() -> None:
    keys = {name for table in TABLES.values() for name in table}
    signed = {"break_glass", "until", "jobs", "reason", "signed_by", "signature", "seal"}
    assert {key for key in keys if f"{key}:" not in RICH} == signed


def test_what_must_not_be_empty_where_it_is_written() -> None:
    filled = {
        name
        for table in TABLES.values()
        for name, key in table.keys.items()
        if isinstance(key.form, Many | Named) and key.form.filled
    }
    required, flows, mappings = {"cluster", "source", "destination"}, {"flows", "from", "to"}, {"grants", "roles"}
    assert filled == {*required, *flows, *mappings, "subjects", "users", "realms", "api_keys", "jobs"}
    settings = TABLES["`destination`"].keys["settings"].form
    assert isinstance(settings, Named)
    # There may be none, but a pattern without settings would change nothing.
    assert not settings.filled
    assert isinstance(settings.value, Named)
    assert settings.value.filled
