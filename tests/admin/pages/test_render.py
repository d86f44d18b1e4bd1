"""A template and values in, a page out."""

import pytest
from jinja2 import UndefinedError

from proxy.admin.api import ANONYMOUS, ApiError, Role, Viewer
from proxy.admin.pages.assets import Assets
from proxy.admin.pages.render import LINKS, Banner, Renderer, last_values
from proxy.admin.shown.traffic import Plot, Series

OLGA = Viewer(name="olga", realm="native1", role=Role.WRITE, csrf="its-token")
NOT_FOUND = ApiError(404, "there is no start <i>r1</i>", where="receipt", allowed="a receipt", hint="look at the list")


@pytest.fixture(name="renderer", scope="module")
def make_renderer() -> Renderer:
    return Renderer(Assets())


def page(renderer: Renderer, viewer: Viewer = OLGA, **more: object) -> str:
    made = renderer.page("error.html", viewer, "404", error=NOT_FOUND, back="/starts", back_text="Back", **more)  # type: ignore[arg-type]
    assert isinstance(made.body, bytes)
    return made.body.decode()


def test_values_are_escaped(renderer: Renderer) -> None:
    text = page(renderer)
    assert "<i>" not in text
    assert "there is no start &lt;i&gt;r1&lt;/i&gt;" in text
    assert all(part in text for part in ("receipt", "a receipt", "look at the list"))


def test_a_value_that_nobody_gave_is_a_fault(renderer: Renderer) -> None:
    with pytest.raises(UndefinedError):
        renderer.page("error.html", OLGA, "404", back="/", back_text="Back")


def test_a_lone_surrogate_is_shown_and_breaks_nothing(renderer: Renderer) -> None:
    viewer = Viewer(name="a\ud800b", realm="r", role=Role.OWN)
    assert "a\\ud800b" in page(renderer, viewer)


@pytest.mark.parametrize("role", list(Role))
def test_the_navigation_has_what_the_role_may_see(renderer: Renderer, role: Role) -> None:
    viewer = Viewer(name="ann", realm="native1", role=role)
    text = page(renderer, viewer)
    shown = [link.text for link in LINKS if f">{link.text}</a>" in text]
    wanted = [link.text for link in LINKS if role and role >= link.role]
    assert shown == wanted


def test_where_one_is_is_told(renderer: Renderer) -> None:
    assert '<a href="/starts" aria-current="page">Starts</a>' in page(renderer, here="/starts")


def test_only_whom_a_cookie_names_can_sign_out(renderer: Renderer) -> None:
    assert 'value="its-token"' in page(renderer)
    assert "Sign out" not in page(renderer, Viewer(name="ci", realm="startgate:token", role=Role.READ))
    assert "Sign out" not in page(renderer, ANONYMOUS)


@pytest.mark.parametrize(("kind", "role"), [("bad", "alert"), ("warn", "status")])
def test_banners_stand_above_the_page(renderer: Renderer, kind: str, role: str) -> None:
    text = page(renderer, banners=[Banner(kind, "Starts are affected.", "rules: <b>")])
    assert f'<div class="banner {kind}" role="{role}"><strong>Starts are affected.</strong> rules: &lt;b&gt;' in text


def test_what_a_plot_shows_last_is_told_in_words() -> None:
    series = (
        Series(name="2xx", values=(1.0, 2.5)),
        Series(name="5xx", values=(1.0, None)),
        Series(name="none", values=(1.0, 0.0)),
        Series(name="empty", values=()),
    )
    plot = Plot(id="r", title="Requests", unit="1/s", times=(1.0, 2.0), series=series)
    assert last_values(plot) == "now 2xx 2.5 1/s"
    assert last_values(Plot(id="r", title="Requests", unit="1/s", times=(), series=())) == "nothing now"
