"""By which names this port may be called, and from which pages.

A page of somebody else's can make a browser call us: under a name of its own that it has resolve to our address (DNS
rebinding), with a form, an image, a script. What browsers say of that in `Host`, `Origin` and `Sec-Fetch-*` is checked
before anything else. Clients that are no browsers say nothing of it, and show no cookie.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from proxy.admin.api import ApiError
from proxy.errors import ConfigError
from proxy.settings import AdminPort
from proxy.tls import certificate_names

LOCAL: Final = ("localhost", "localhost.localdomain")


class Hosts:
    """The names by which an admin port may be called. An address is always right: nobody can make a browser take a page
    of theirs for one that came from an address which is not theirs."""

    def __init__(self, port: AdminPort) -> None:
        self._port = port
        self._named = frozenset({port.host.lower(), *port.hosts, *LOCAL})

    def check(self, request: web.Request) -> None:
        """Raises ApiError: 400 without one host, 421 with one that is not ours (RFC 9110 §15.5.20)."""
        hosts = request.headers.getall("host", [])
        if len(hosts) != 1:
            raise ApiError(400, f"a request names one host, and this one {len(hosts)}", where="Host")
        name = host_name(hosts[0])
        if name is None or not self.knows(name):
            text = "this is not served under the name by which it was called"
            raise ApiError(421, text, where="Host", hint="admin.hosts names further ones")

    def knows(self, name: str) -> bool:
        """Whether it is one of ours: `name` is in lower case and without port."""
        if _address(name) is not None or name in self._named:
            return True
        return _matches(name, self._certified())

    def _certified(self) -> Sequence[str]:
        tls = self._port.tls
        if tls is None:
            return ()
        try:
            # Read again each time: certificates change while we run, and a name that is ours already is found before.
            return [
                one for path in (tls.certificate, *(pair[0] for pair in tls.more)) for one in certificate_names(path)
            ]
        except ConfigError:
            return ()


def host_name(text: str) -> str | None:
    """The host of a `Host` header, in lower case and without its port; None where it is none."""
    try:
        parts = urlsplit(f"//{text}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or "@" in text or any(char in text for char in "/?#\\ \t"):
        return None
    return name.rstrip(".").lower()


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _matches(name: str, known: Iterable[str]) -> bool:
    # RFC 9525 §6.3: a star stands for the whole leftmost label.
    star = "*." + name.partition(".")[2]
    return any(one.rstrip(".") in (name, star) for one in known)


def same_origin(request: web.Request) -> bool:
    """Whether a browser says that a page of this origin asks; True as well for whoever says nothing of it."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    return origin is None or _is_ours(origin, request)


def check_read(request: web.Request, *, page: bool) -> None:
    """For what only reads. A page may be opened by a link from anywhere; all else is for pages of ours: neither a
    script nor an image of another page has business with it. Raises ApiError 403."""
    site = request.headers.get("sec-fetch-site", "none")
    if site in ("same-origin", "none"):
        return
    if (
        page
        and request.headers.get("sec-fetch-mode") == "navigate"
        and request.headers.get("sec-fetch-dest")
        in (
            "document",
            None,
        )
    ):
        return
    raise ApiError(403, "another site's page may not ask this", where="Sec-Fetch-Site")


def check_change(request: web.Request) -> None:
    """For what changes something. Raises ApiError 403."""
    if not same_origin(request):
        raise ApiError(403, "another site's page may not ask for a change", where="Origin")


def is_browser(request: web.Request) -> bool:
    """Whether a browser asks that says so: all that are younger than 2023 do, where the connection is safe."""
    return "sec-fetch-mode" in request.headers or "text/html" in request.headers.get("accept", "")


def is_from_browser(request: web.Request) -> bool:
    """Whether a browser asks, whatever it asks for: all send the languages of their user, and no script can leave that
    out."""
    return "accept-language" in request.headers or is_browser(request)


def _is_ours(origin: str, request: web.Request) -> bool:
    """RFC 6454 §7: scheme, host and port, or `null`."""
    try:
        theirs = urlsplit(origin)
        ours = urlsplit(f"{'https' if request.secure else 'http'}://{request.headers.get('host', '')}")
        default = {"http": 80, "https": 443}
        return (
            theirs.scheme == ours.scheme
            and theirs.hostname is not None
            and theirs.hostname == ours.hostname
            and (theirs.port or default.get(theirs.scheme)) == (ours.port or default.get(ours.scheme))
        )
    except ValueError:
        return False


def safe_next(text: str) -> str:
    """Where to go after signing in: a path of ours, or the first page. Browsers take a backslash for a slash and leave
    out control characters, so that `/\\evil` and `/<tab>/evil` are other sites."""
    harmless = text.startswith("/") and not text.startswith(("//", "/\\"))
    if not harmless or any(not " " < char < "\x7f" or char == "\\" for char in text):
        return "/"
    return "/" if text.partition("?")[0] in ("/sign-in", "/sign-out") else text
