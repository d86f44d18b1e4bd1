"""The normal form is what the most lenient reader could make of a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.route.lookalike import normal_forms


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (b"/a/b", b"/a/b"),
        (b"/", b"/"),
        (b"", b"/"),
        (b"//a///b//", b"/a/b"),
        (b"/A/B", b"/a/b"),
        (b"/%61/b", b"/a/b"),
        (b"/%2561/b", b"/a/b"),
        (b"/a%2Fb", b"/a/b"),
        (b"/a/./b/.", b"/a/b"),
        (b"/x/../a/b", b"/a/b"),
        (b"/../../a", b"/a"),
        (b"/x/%2e%2E/a", b"/a"),
        (b"/a\\b", b"/a/b"),
        (b"/a;v=1/b;w", b"/a/b"),
        (b"/a/b#frag/c", b"/a/b/c"),
        (b"/a%3Fq/b", b"/a/b"),
        (b"/a%20/%09b", b"/a/b"),
        (b"/%zz/%", b"/%zz/%"),
    ],
)
def test_normal_form(path: bytes, form: bytes) -> None:
    assert normal_forms(path)[1] == form


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (b"/a/b", b"/a/b"),
        (b"/a/b#", b"/a/b"),
        (b"/a/b#/c", b"/a/b"),
        (b"/a/b/#/../c", b"/a/b"),
        (b"/a/b%23/c", b"/a/b"),
        (b"/a/b%253F/c", b"/a/b"),
        (b"/a#/b?c/d", b"/a"),
    ],
)
def test_normal_form_where_the_path_ends_at_a_hash(path: bytes, form: bytes) -> None:
    assert normal_forms(path)[0] == form


@given(st.binary(max_size=40))
def test_it_never_raises_and_is_always_a_path(path: bytes) -> None:
    for form in normal_forms(path):
        assert form.startswith(b"/")
    assert b"//" not in form
