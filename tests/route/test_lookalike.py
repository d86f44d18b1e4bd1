"""The normal form is what the most lenient reader could make of a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.route.lookalike import normal_forms, resembles


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


PATTERN = (b"", b"_ml", b"analytics", None, b"_start")


@pytest.mark.parametrize(
    "path",
    [
        b"/_ml/analytics/x/_start",
        b"/%5fml/analytics/../_start",
        b"/%5fml/analytics//_start",
        b"/_ml/;/analytics/../_start;a=b",
        b"/./_ML/analytics/%2e%2e/_start",
        b"/_m%6c/analytics/#/\\_start",
        b"/_ml/analytics/;//_start/",
        b"/_ml/analytics/x/_start/.//;a/..",
        b"/_ml/analytics/x/_start#/more",
        b"/_ml/analytics/x/_start%23/more/%3f",
        b"/_ml//analytics///x/%2f/_start",
        b"/x/../_ml/analytics/x/_start",
        b"/_ml/analytics/a%2fb/_start#",
        b"/_ml/analytics/a%2Fb%2fc/_start#/x",
        b"/_ml/analytics/a%252fb/_start#",
        b"/_ml/analytics/a\\b/_start#",
        b"/_ml/analytics/%2e%2e%2f/_start#",
        b"/x/../_ml/analytics/a%2f../_start#",
        b"/_ml;%2fx/analytics/;%/_start;%2fa=b",
        b"/x/%2e%2e/_ml/analytics/a%252f%252e%252e/_start",
    ],
)
def test_whatever_some_reader_could_take_for_the_call_resembles_it(path: bytes) -> None:
    assert resembles(path, PATTERN)


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/_ml/analytics/_start",
        b"/_ml/analytics/x/_stop",
        b"/_ml/analytics/x/_start/more",
        b"/_ml/x/analytics/x/_start",
        b"/_ml/analytics/x#/_stop",
        b"/more/_ml/analytics/x/_start",
        b"/_ml/analytics/x_start",
    ],
)
def test_other_calls_do_not(path: bytes) -> None:
    assert not resembles(path, PATTERN)


@given(st.binary(max_size=60))
def test_what_normalises_to_the_call_resembles_it(tail: bytes) -> None:
    path = b"/_ml/analytics/" + tail
    for form in normal_forms(path):
        segments = form.rstrip(b"/").split(b"/")
        if len(segments) == 5 and segments[:3] == [b"", b"_ml", b"analytics"] and segments[4] == b"_start":
            assert resembles(path, PATTERN)
