"""How values are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.pages import words
from proxy.journal.query import Result


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.04, "0.0 ms"),
        (9.94, "9.9 ms"),
        (34.2, "34 ms"),
        (999, "999 ms"),
        (1500, "1.5 s"),
        (90_000, "2 min"),
    ],
)
def test_durations(value: float | None, text: str) -> None:
    assert words.took(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (1.25, "1.2 s"), (90, "90 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")],
)
def test_ages(value: float | None, text: str) -> None:
    assert words.age(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (150 * 2**10, "150 KiB"), (2**50, "1024 TiB")],
)
def test_sizes(value: float | None, text: str) -> None:
    assert words.size(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "1/s", "0 1/s"),
        (0.25, "1/s", "0.25 1/s"),
        (12.4, "1", "12"),
        (2048, "bytes/s", "2.0 KiB/s"),
        (1500, "ms", "1.5 s"),
    ],
)
def test_rates(value: float, unit: str, text: str) -> None:
    assert words.rate(value, unit) == text


@pytest.mark.parametrize(("share", "text"), [(None, "-"), (0.0, "0.0 %"), (0.125, "12.5 %"), (2.0, "200.0 %")])
def test_shares(share: float | None, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(("count", "text"), [(None, "-"), (0, "0"), (1234567, "1,234,567")])
def test_thousands(count: int | None, text: str) -> None:
    assert words.thousands(count) == text


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2026-01-31T09:00:01.123Z", "2026-01-31 09:00:01"),
        ("", ""),
        ("yesterday", "yesterday"),
        ("<2026-01-31T09:00:01Z>", "<2026-01-31T09:00:01Z>"),
    ],
)
def test_times(time: str, text: str) -> None:
    assert words.clock(time) == text


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("rules/start.yml:12:5", "L-start.yml-12"),
        ("rules/start.yml:12", "L-start.yml-12"),
        ("start.yml:12", "L-start.yml-12"),
        ('a/b "c"<d>.yml:1', "L-b--c--d-.yml-1"),
    ],
)
def test_a_place_with_and_without_its_column_is_one_line_of_the_page(place: str, name: str) -> None:
    assert words.anchor(place) == name


@pytest.mark.parametrize("place", ["/etc/startgate/rules/start.yml:12:5", "start.yml:12:5"])
def test_a_place_is_told_without_folders(place: str) -> None:
    assert words.file(place) == "start.yml:12:5"


@given(st.text())
def test_an_anchor_is_an_id_without_blanks_or_quotes(place: str) -> None:
    assert not set(words.anchor(place)) & set(" \t\n\"'<>&")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_is_one_part_of_a_path(text: str) -> None:
    assert not set(words.urlpart(text)) & set("/?#\\ \"'<>")


@pytest.mark.parametrize("verdict", [one.value for one in Result])
def test_every_verdict_has_its_colour(verdict: str) -> None:
    neutral = {"planned", "explained"}
    assert (words.tone(verdict) == "plain") is (verdict in neutral)


def test_json_keeps_every_character() -> None:
    assert words.pretty({"a": ["ä<"]}) == '{\n  "a": [\n    "ä<"\n  ]\n}'
    assert words.compact({"a": ["ä<"]}) == '{"a": ["ä<"]}'
