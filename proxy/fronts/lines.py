"""What the texts share: what may stand in them, how times are written, and their heading."""

import re
import textwrap
from collections.abc import Iterator
from typing import Final

from proxy.errors import ConfigError, Fault
from proxy.fronts.model import Front, Upstream, UpstreamTls

# Debian's bundle of authorities, which nginx and Envoy want by name. Elsewhere it lies elsewhere.
SYSTEM_CA: Final = "/etc/ssl/certs/ca-certificates.crt"

# What means the same in all of them without quotes. No name of a file or host needs more.
_WORD: Final = re.compile(r"[A-Za-z0-9_./:@+=,~-]+")
_WIDTH: Final = 100


def heading(front: Front, program: str, needs: tuple[str, ...]) -> Iterator[str]:
    """The comment at the top: what the text is for, and what must hold for it to be safe."""
    paragraphs = [
        f"Made by `startgate export {program}`. Ordinary requests go to the nodes; whatever may be a start goes to "
        "Startgate, which decides. Make it anew rather than change the rule in it.",
        "Nobody but this front and Startgate may reach the nodes, by the network or by certificates. Who reaches them "
        "directly goes round the gate.",
        *needs,
    ]
    if front.remove:
        names = ", ".join(front.remove)
        paragraphs.append(
            f"Startgate believes {names} from this front, so clients' own values are taken out here. A front that "
            "authenticates sets them behind that."
        )
    for at, paragraph in enumerate(paragraphs):
        yield from ["#"] * (at > 0)
        yield from (f"# {line}" for line in textwrap.wrap(paragraph, _WIDTH, break_on_hyphens=False))


def written(front: Front) -> None:
    """Raise ConfigError with every name that cannot stand in a configuration as it is."""
    words = [front.listen.host, front.certificate, front.key, *front.remove]
    for upstream in (front.nodes, front.startgate):
        words += [server.host for server in upstream.servers] + _words(upstream.tls)
    wrong = sorted({word for word in words if word is not None and not _WORD.fullmatch(word)})
    if wrong:
        shape = (
            "holds a character that cannot stand in the configuration of a front: letters, digits and _./:@+=,~- can"
        )
        raise ConfigError([Fault(word, shape) for word in wrong])


def _words(tls: UpstreamTls | None) -> list[str | None]:
    return [] if tls is None else [tls.ca, tls.server_name, tls.certificate, tls.key, *tls.names]


def milliseconds(seconds: float) -> str:
    """A time as nginx and HAProxy read it; never 0, which to them means none or for ever."""
    return f"{max(1, round(seconds * 1000))}ms"


def duration(seconds: float) -> str:
    """A time as Envoy reads it."""
    return f"{seconds:g}s" if seconds < 1e6 else f"{seconds:.0f}s"


def kilobytes(size: int) -> int:
    """A size in KiB, rounded up."""
    return -(-size // 1024)


def refuse(program: str, found: list[tuple[str, str]]) -> None:
    """Raise ConfigError for settings that `program` cannot carry out: pairs of the setting and why."""
    if found:
        raise ConfigError([Fault(where, f"{why} (startgate export {program})") for where, why in found])


def plain_text(upstream: Upstream, what: str) -> Iterator[str]:
    """A warning where an upstream that is no loopback address is spoken to without TLS."""
    near = ("127.", "::1", "localhost")
    far = [str(one) for one in upstream.servers if not one.host.startswith(near)]
    if upstream.tls is None and far:
        yield f"{what} is spoken to in plain text at {', '.join(far)}: passwords and tokens can be read on the way."
