"""What is wished for, and the files that come of it."""

from dataclasses import dataclass, field
from typing import Final

CONFIG: Final = "startgate.yml"
RULES: Final = "rules"
SECRET: Final = 0o600
PRIVATE: Final = 0o700
API_KEY, USER, NONE = "api-key", "user", "none"
BY_CLUSTER, BY_ROLES = "cluster", "roles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an operator asks for. `nodes` are base addresses; `service` and `authority` are words of this module;
    `cluster_ca` is a PEM file with the authorities of the nodes' certificates; `sources` and `destinations` are
    patterns of index names."""

    nodes: tuple[str, ...]
    listen: str = "127.0.0.1:9400"
    service: str = API_KEY
    authority: str = BY_CLUSTER
    tls: bool = False
    workers: int = 1
    journal: str = "journal"
    cluster_ca: str | None = None
    sources: tuple[str, ...] = ("flights-*",)
    destinations: tuple[str, ...] = ("flights-outliers*",)

    @property
    def host(self) -> str:
        """The host that is listened on."""
        return self.listen.rpartition(":")[0].strip("[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file: its path below the folder, what is in it, and who may read it. A secret that is there is never replaced,
    whatever else is: `keep`."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    keep: bool = False


def text(path: str, content: str, mode: int = 0o644) -> Made:
    """A file with this text."""
    return Made(path=path, content=content.encode(), mode=mode)


def secret(path: str, content: str) -> Made:
    """A file that only its owner may read, and that is kept where it is there."""
    return Made(path=path, content=content.encode(), mode=SECRET, keep=True)
