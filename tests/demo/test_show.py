"""How the walk looks: in a terminal, and plain in a pipe."""

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

from proxy.demo.show import Show, outlier_rows, settings_row

LONG = "curl -sS -u anna:anna-demo -XPOST http://127.0.0.1:9400/_ml/data_frame/analytics/flights/_start" * 3


def shown(*calls: Callable[[Show], None], terminal: bool = False) -> str:
    """What these calls write."""
    out = StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, color_system="standard" if terminal else None)
    for call in calls:
        call(Show(console))
    return out.getvalue()


def test_a_pipe_gets_words_alone() -> None:
    text = shown(
        lambda show: show.title("Demo", [("proxy", "http://a:1")]),
        lambda show: show.step(1, "Denied", "ben may not"),
        lambda show: show.answer(403, "no", "r1"),
        lambda show: show.note("so it is"),
    )
    assert "\x1b" not in text
    assert text.splitlines() == [
        "Demo",
        "  proxy         http://a:1",
        "",
        "1. Denied: ben may not",
        "  403 no",
        "  receipt       r1",
        "  so it is",
    ]


@pytest.mark.parametrize("status", [200, 403, 400, 503])
def test_a_terminal_gets_colours(status: int) -> None:
    text = shown(lambda show: show.answer(status, "text"), terminal=True)
    assert "\x1b[1;3" in text
    assert "text" in text


def test_a_long_reason_is_broken_and_indented_in_a_terminal_only() -> None:
    reason = "cannot merge mappings " * 20
    assert shown(lambda show: show.answer(400, reason)).count("\n") == 1
    lines = shown(lambda show: show.answer(400, reason), terminal=True).splitlines()
    assert len(lines) > 3
    assert all(line.startswith("      ") for line in lines[1:])


@pytest.mark.parametrize("terminal", [False, True])
def test_a_line_to_copy_is_never_broken(terminal: bool) -> None:
    text = shown(lambda show: show.curl(LONG), terminal=terminal)
    assert LONG in text
    assert text.count("\n") == 1


def test_rows_are_indented_like_everything_else() -> None:
    text = shown(lambda show: show.rows(("index", "shards"), [("a", 2), ("longer", 10)]))
    assert text.splitlines() == ["  index   shards", "  a            2", "  longer      10"]


def test_brackets_are_text() -> None:
    """Reasons of Elasticsearch are full of them."""
    assert "action [indices:admin/create] [red]" in shown(
        lambda show: show.answer(403, "action [indices:admin/create] [red]")
    )


def test_settings_of_an_index() -> None:
    content = {"out": {"settings": {"index": {"number_of_shards": "2", "number_of_replicas": "1"}}}}
    assert settings_row("out", content) == ("out", 2, 1)


def test_outliers_of_an_answer() -> None:
    flight = {
        "date": "d",
        "origin": "LAX",
        "destination": "BNA",
        "distance": 1,
        "delay": -2,
        "ml": {"outlier_score": 1},
    }
    content = {"hits": {"hits": [{"_source": flight}]}}
    assert outlier_rows(content) == [("d", "LAX", "BNA", 1, -2, 1.0)]
