"""From what is written to a `Config`, or to one error with every fault in it."""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from proxy.config import break_glass, files, values
from proxy.config.admin import admin_port
from proxy.config.document import read
from proxy.config.identity import identity_settings
from proxy.config.journaling import journal_settings
from proxy.config.logs import log_settings
from proxy.config.masking import masking
from proxy.config.peers import cluster_tls, forwarded
from proxy.config.sinks import sinks
from proxy.config.tracing import tracing_settings
from proxy.config.tree import Node, Place, invalid, leaves, overlay, told
from proxy.errors import ConfigError, Fault
from proxy.logs.settings import LogSettings
from proxy.settings import (
    AdminLimits,
    AdminPort,
    AdminSettings,
    ClusterTls,
    EdgeLimits,
    EdgeSettings,
    Forwarded,
    GateLimits,
    GateSettings,
    IdentityLimits,
    IdentitySettings,
    JournalSettings,
    Listen,
    Masking,
    ShipLimits,
    Sinks,
)
from proxy.tracing.settings import TraceLimits, TracingSettings

T = TypeVar("T")
Limits = TypeVar("Limits", AdminLimits, EdgeLimits, GateLimits, IdentityLimits, ShipLimits, TraceLimits)

DEFAULT_LISTEN = Listen(host="127.0.0.1", port=9400)
DEFAULT_NODE = "http://127.0.0.1:9200"
SNIFFING_MODES = ("pass", "rewrite")
DEFAULT_JOURNAL = "journal"
# In the journal's folder where it is not named: that is one gate's alone, and nobody else may look into it.
CONTROL_SOCKET = "control.sock"
# Soon enough for whoever saves a file and tries it out; a look costs a few system calls a file.
DEFAULT_WATCH_S = 1.0
# One process per core is what a host has use for; the bound catches a port number in the wrong place.
WORKERS_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A checked configuration: every file in it was opened, every path is absolute.

    `service` is the value of an `Authorization` header or None; `gate_socket` None means a private temporary folder;
    `watch_s` is None where changed rule files are not noticed; `break_glass_keys` are public keys (PEM) by name;
    `identity` is None where the cluster says who asks; `admin` where there is no admin port;
    `tracing` where nothing is traced.
    """

    listen: tuple[Listen, ...]
    workers: int
    nodes: tuple[str, ...]
    cluster_tls: ClusterTls
    service: str | None = field(repr=False)
    rules: str
    journal: str
    gate_socket: str | None
    control_socket: str
    watch_s: float | None
    break_glass_keys: Mapping[str, str]
    edge_limits: EdgeLimits
    gate_limits: GateLimits
    sniffing: str = "pass"
    identity: IdentitySettings | None = None
    admin: AdminPort | None = None
    forwarded: Forwarded = field(default_factory=Forwarded)
    masking: Masking = field(default_factory=Masking)
    journaling: JournalSettings = field(default_factory=JournalSettings)
    sinks: Sinks = field(default_factory=Sinks)
    tracing: TracingSettings | None = None
    log: LogSettings = field(default_factory=LogSettings)

    def edge_settings(self, gate_socket: str) -> EdgeSettings:
        """What an edge worker is told."""
        return EdgeSettings(
            nodes=self.nodes,
            gate_socket=gate_socket,
            cluster_tls=self.cluster_tls,
            sniffing=self.sniffing,
            limits=self.edge_limits,
            forwarded=self.forwarded,
        )

    def gate_settings(self, gate_socket: str) -> GateSettings:
        """What the gate is told."""
        return GateSettings(
            socket=gate_socket,
            nodes=self.nodes,
            rules=self.rules,
            journal=self.journal,
            service=self.service,
            cluster_tls=self.cluster_tls,
            limits=self.gate_limits,
            identity=self.identity,
            journaling=self.journaling,
            sinks=self.sinks,
            control=self.control_socket,
            watch_s=self.watch_s,
            break_glass_keys=self.break_glass_keys,
            masking=self.masking,
            tracing=self.tracing,
            slow_start_s=self.log.slow_start_s,
        )

    def admin_settings(self, port: AdminPort, processes: tuple[str, ...], gate_socket: str) -> AdminSettings:
        """What the admin process is told: where it listens, which processes will tell it of themselves, and where the
        gate is."""
        own = [one for one in (*(listen.tls for listen in self.listen), port.tls) if one is not None]
        shown = [self.cluster_tls.certificate] if self.cluster_tls.certificate is not None else []
        certificates = [path for tls in own for path in (tls.certificate, *(pair[0] for pair in tls.more))]
        return AdminSettings(
            listen=port,
            processes=processes,
            nodes=self.nodes,
            cluster_tls=self.cluster_tls,
            certificates=(*certificates, *shown),
            control=self.control_socket,
            gate_socket=gate_socket,
            journal=self.journal,
        )


def shipped_rules() -> Path:
    """The folder of the rules that ship: in the package where it is installed, beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "shipped_rules"
    return installed if installed.is_dir() else package.parent / "rules"


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration in the file at `path` (None: no file) under the `STARTGATE_…` variables of `environ`.

    Relative paths start at the file's folder, or at the working directory where a variable names them.

    Raises:
        ConfigError: with every fault of the file, the variables and the files that they name.
    """
    here = Path.cwd()
    if path is None:
        nowhere = Place("configuration")
        root = Node(value={}, place=nowhere, key_place=nowhere, folder=here)
    else:
        root = read(path)
    faults = overlay(root, environ, here)
    found, unknown = leaves(root)
    return _Reader(found, faults + unknown, root.folder).config()


class _Reader:
    """Takes typed values out of the written ones and gathers what is wrong with them."""

    def __init__(self, found: Mapping[str, Node], faults: Iterable[Fault], folder: Path) -> None:
        self.found = found
        self.faults = list(faults)
        self.folder = folder

    def take(self, key: str, read: Callable[[Node], T], default: T) -> T:
        """The value of a key as `read` gives it; `default` where it is not written, or wrong."""
        node = self.found.get(key)
        if node is None:
            return default
        try:
            return read(node)
        except ConfigError as error:
            self.faults += told(error.faults, key)
            return default

    def refuse(self, key: str, message: str) -> None:
        """Notes a fault of a key that is written."""
        self.faults += told(invalid(self.found[key], message).faults, key)

    def config(self) -> Config:
        """Everything at once; raises ConfigError where anything is wrong."""
        nodes: tuple[str, ...] = (DEFAULT_NODE,)
        if "cluster.nodes" in self.found:
            nodes = self.take("cluster.nodes", _nodes, ())
        journal = self.take("journal.path", files.journal, str(self.folder / DEFAULT_JOURNAL))
        listen: tuple[Listen, ...] = (DEFAULT_LISTEN,)
        if "listen" in self.found:
            listen = self.take("listen", _listen, ())
        control = self._control_socket(journal)
        made = Config(
            listen=listen,
            workers=self.take("workers", lambda node: values.whole(node, at_least=1, at_most=WORKERS_MAX), 1),
            nodes=nodes,
            cluster_tls=self._cluster_tls(nodes),
            service=self._service(),
            rules=self.take("rules", files.rules, str(shipped_rules())),
            journal=journal,
            gate_socket=self.take("gate.socket", files.socket_path, None),
            control_socket=control,
            watch_s=self._watch_s(),
            break_glass_keys=self.take("break_glass.public_keys", break_glass.public_keys, {}),
            edge_limits=self._limits("limits.edge", EdgeLimits()),
            gate_limits=self._limits("limits.gate", GateLimits()),
            admin=admin_port(self, listen, self._limits("limits.admin", AdminLimits()), control),
            sniffing=self.take("cluster.sniffing", lambda node: values.choice(node, SNIFFING_MODES), "pass"),
            identity=identity_settings(self, listen, self._limits("limits.identity", IdentityLimits())),
            forwarded=forwarded(self),
            sinks=sinks(self, self._limits("limits.ship", ShipLimits())),
            masking=masking(self),
            tracing=tracing_settings(self, self._limits("limits.trace", TraceLimits())),
            journaling=journal_settings(self),
            log=log_settings(self),
        )
        if self.faults:
            raise ConfigError(self.faults)
        return made

    def _cluster_tls(self, nodes: tuple[str, ...]) -> ClusterTls:
        tls = cluster_tls(self)
        for key in self.found:
            # Somebody who sets this believes the traffic to be encrypted.
            if key.startswith("cluster.tls.") and nodes and not any(node.startswith("https:") for node in nodes):
                self.refuse(key, "means nothing here: no node of cluster.nodes begins with https://")
        return tls

    def _control_socket(self, journal: str) -> str:
        beside = Path(journal) / CONTROL_SOCKET
        path = self.take("control.socket", files.socket_path, str(beside))
        if "control.socket" not in self.found and files.too_long(beside):
            text = f"{beside} is longer than a Unix socket's path may be: name another with control.socket"
            self.faults.append(Fault("control.socket", text))
        return path

    def _watch_s(self) -> float | None:
        interval_s = self.take("rules_watch.interval_s", values.seconds, DEFAULT_WATCH_S)
        if self.take("rules_watch.enabled", values.switch, True):
            return interval_s
        if "rules_watch.interval_s" in self.found:
            self.refuse("rules_watch.interval_s", "means nothing with rules_watch.enabled: false")
        return None

    def _service(self) -> str | None:
        key = self.take("cluster.service.api_key_file", files.api_key, None)
        username = self.take("cluster.service.username", _username, None)
        password = self.take("cluster.service.password_file", files.secret, None)
        has_key, has_name, has_password = (
            f"cluster.service.{name}" in self.found for name in ("api_key_file", "username", "password_file")
        )
        if has_key and (has_name or has_password):
            self.refuse(
                "cluster.service.api_key_file", "stands beside username or password_file: give one or the other"
            )
        elif has_name and not has_password:
            self.refuse("cluster.service.username", "needs cluster.service.password_file")
        elif has_password and not has_name:
            self.refuse("cluster.service.password_file", "needs cluster.service.username")
        if key is None and username is not None and password is not None:
            return files.basic(username, password)
        return key

    def _limits(self, section: str, defaults: Limits) -> Limits:
        """The limits of one process: those that are written, and the defaults of the others."""
        written: dict[str, Any] = {}
        for limit in fields(defaults):
            default: int | float = getattr(defaults, limit.name)
            read = _count if isinstance(default, int) else _seconds(or_zero=limit.metadata.get("or_zero", False))
            written[limit.name] = self.take(f"{section}.{limit.name}", read, default)
        return replace(defaults, **written)


def _count(node: Node) -> int:
    return values.whole(node, at_least=1)


def _seconds(*, or_zero: bool) -> Callable[[Node], float]:
    return functools.partial(values.seconds, or_zero=or_zero)


def _nodes(node: Node) -> tuple[str, ...]:
    nodes = values.each(node, values.cluster_node)
    values.distinct(node, nodes)
    return nodes


def _listen(node: Node) -> tuple[Listen, ...]:
    listens = values.each(node, _listen_one)
    values.distinct(node, [f"{one.host}:{one.port}" for one in listens if one.port])
    return listens


def _listen_one(node: Node) -> Listen:
    one = values.listen(node)
    if one.tls is not None and isinstance(node.value, dict):
        files.key_pair(node.value["tls"], one.tls)
    return one


def _username(node: Node) -> str:
    name = values.text(node)
    if ":" in name:
        # RFC 7617 §2: a user name with a colon cannot be told from its password.
        raise invalid(node, "a user name holds no colon")
    return name
