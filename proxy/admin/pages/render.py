"""A template and values in, a page out.

Jinja2 escapes every value; a value that a template names and nobody gave is a fault of ours, and no empty place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from proxy.admin.api import Role, Viewer
from proxy.admin.pages import words
from proxy.admin.pages.assets import Assets
from proxy.admin.shown.traffic import Plot

ROLES: Final = {Role.ANYBODY: "", Role.OWN: "sees own starts", Role.READ: "reads", Role.WRITE: "reads and changes"}


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of the navigation, and the role that may follow it."""

    href: str
    text: str
    role: Role


LINKS: Final = (
    Link("/starts", "Starts", Role.OWN),
    Link("/plan", "Plan", Role.OWN),
    Link("/rules", "Rules", Role.READ),
    Link("/traffic", "Traffic", Role.READ),
    Link("/journal", "Journal", Role.READ),
)


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands above every page. `kind` is `bad`, `warn` or `good`."""

    kind: str
    title: str
    text: str


class Renderer:
    """Renders the templates of this package."""

    def __init__(self, assets: Assets) -> None:
        self._environment = Environment(
            loader=PackageLoader("proxy.admin"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters: dict[str, Callable[..., str]] = {
            "age": words.age,
            "anchor": words.anchor,
            "bytes": words.size,
            "clock": words.clock,
            "file": words.file,
            "last_values": last_values,
            "percent": words.percent,
            "pretty": words.pretty,
            "thousands": words.thousands,
            "took": words.took,
            "urlpart": words.urlpart,
        }
        self._environment.filters.update(filters)
        # Globals and not values of a page: macros that are imported see them, too.
        self._environment.globals.update(asset=assets.path, tone=words.tone, version=version("startgate"))

    def page(
        self,
        template: str,
        viewer: Viewer,
        title: str,
        *,
        here: str = "",
        banners: Sequence[Banner] = (),
        status: int = 200,
        **values: object,
    ) -> web.Response:
        """A whole page. `here` is the entry of the navigation that it belongs to; `values` are the template's own."""
        text = self._environment.get_template(template).render(
            viewer=viewer,
            role=ROLES[viewer.role],
            title=title,
            here=here,
            banners=banners,
            links=[link for link in LINKS if viewer.role >= link.role],
            may_write=viewer.role >= Role.WRITE,
            may_see_rules=viewer.role >= Role.READ,
            plots=template == "traffic.html",
            **values,
        )
        # A lone surrogate in a name that somebody chose cannot be UTF-8; what stands for it says so.
        body = text.encode(errors="backslashreplace")
        return web.Response(status=status, body=body, content_type="text/html", charset="utf-8")


def last_values(plot: Plot) -> str:
    """What a plot shows last, in words, for who cannot see it. What is zero is not told."""
    last = [(one.name, one.values[-1] if one.values else None) for one in plot.series]
    told = [f"{name} {words.rate(value, plot.unit)}" for name, value in last if value]
    return "now " + ", ".join(told) if told else "nothing now"
