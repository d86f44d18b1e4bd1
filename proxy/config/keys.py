"""Every key of the configuration, with what it means. A key that is not in this table is refused.

Rules of this file: a name is dotted as it is nested in YAML; the environment's name is made from it and never
written by hand; limits come from the fields of `proxy.settings`, so that a new limit is a new key.
"""

import re
from collections.abc import Mapping
from dataclasses import fields

from proxy.settings import AdminLimits, EdgeLimits, GateLimits, IdentityLimits, ShipLimits
from proxy.tracing.settings import TraceLimits

PREFIX = "STARTGATE_"

KEYS: Mapping[str, str] = {
    "listen": "address to listen on, `host:port`; or a list; the long form is `{address, tls: {certificate, key}}`",
    "workers": "number of edge processes that share the addresses",
    "cluster.nodes": "base addresses of the cluster's nodes, such as `https://10.0.0.1:9200`",
    "cluster.sniffing": "`pass`, or `rewrite`: clients that ask for the nodes' addresses are told this proxy's",
    "cluster.service.api_key_file": "file with the service credential's API key: `id:api_key`, or both as base64",
    "cluster.service.username": "user name of the service credential, where it is no API key",
    "cluster.service.password_file": "file with that user's password",
    "cluster.tls.ca": "PEM file with the authorities that the nodes' certificates are checked against",
    "cluster.tls.verify": "`full` (chain and host name), `certificate` (chain only), `fingerprint` or `unsafe_none`",
    "cluster.tls.fingerprint": "SHA-256 fingerprints of the nodes' own certificates; no other will do then",
    "cluster.tls.server_name": "the name that is asked for and checked instead of those in `cluster.nodes`",
    "cluster.tls.certificate": "PEM file with the certificate that is shown to the nodes",
    "cluster.tls.key": "PEM file with its key",
    "cluster.tls.min_version": "lowest version of TLS that is spoken with the nodes: `1.2` or `1.3`",
    "cluster.tls.max_version": "and the highest",
    "forwarded.mode": "`X-Forwarded-For` and its like: `keep` as they come, `append` the client, or `replace`",
    "forwarded.peers": "networks whose `X-Forwarded-For` is extended with `append`; others' are replaced",
    "rules": "rule file, or folder with `*.yml`",
    "rules_watch.enabled": "`true` or `false`: whether a change of the rule files is noticed by itself",
    "rules_watch.interval_s": "seconds between two looks at the rule files",
    "break_glass.public_keys": "files (PEM) with the public keys that vouch for break-glass entries, by name",
    "journal.path": "folder of the audit record",
    "journal.on_full": "what happens to a start that cannot be recorded: `refuse`, or `unsafe_continue`",
    "journal.append_limit_s": "seconds that a record may take to be on the disk",
    "journal.rotate.size_bytes": "a file of the journal that has this size is followed by another",
    "journal.rotate.age_s": "one that is so many seconds old, too; 0: at no age",
    "journal.retain.files": "so many files are kept, of those that are shipped; 0: all",
    "journal.retain.age_s": "files are kept for so many seconds, once they are shipped; 0: for ever",
    "journal.checkpoints.key_file": "file (PEM) with the Ed25519 private key that signs checkpoints",
    "journal.checkpoints.every_records": "records between two checkpoints",
    "journal.mask": "fields of records that are masked, such as `user.name`; or a list",
    "journal.mask_key_file": "file with the key of the masks",
    "journal.sinks.elasticsearch.data_stream": "data stream in the cluster that the record is shipped to",
    "journal.sinks.elasticsearch.api_key_file": "file with an API key for that; else the service credential is used",
    "journal.sinks.elasticsearch.keep_days": "days for which the cluster is asked to keep it; 0: for ever",
    "journal.sinks.syslog.address": "`host:port` of a syslog receiver (RFC 5424)",
    "journal.sinks.syslog.transport": "`tls` (RFC 5425), or `tcp`",
    "journal.sinks.syslog.ca": "PEM file with the authorities that its certificate is checked against",
    "journal.sinks.syslog.certificate": "PEM file with the certificate that is shown to it",
    "journal.sinks.syslog.key": "PEM file with its key",
    "journal.sinks.webhook.url": "URL that gets the record by POST",
    "journal.sinks.webhook.secret_file": "file with the secret that signs it",
    "journal.sinks.webhook.ca": "PEM file with the authorities that its certificate is checked against",
    "journal.sinks.stdout.enabled": "`true` or `false`: whether the record is written to standard output",
    "admin.listen": "address of the admin port (page, API, metrics, health), `host:port`; or `off`",
    "admin.socket": "path of its Unix socket; `admin.sock` beside the control API's where absent",
    "admin.hosts": "names by which browsers may call it, beside its address and those of its certificate; or a list",
    "admin.unsafe_plain": "`true`: an address that is not loopback is served without TLS",
    "admin.metrics": "who gets `/metrics`: `open` to whoever can connect, or `signed_in`",
    "admin.access.read.cluster": "cluster privileges of whoever sees everything; or a list, of which all are needed",
    "admin.access.read.roles": "or a role of theirs; or a list, of which one is enough",
    "admin.access.write.cluster": "cluster privileges of whoever may also change something",
    "admin.access.write.roles": "or a role of theirs",
    "admin.access.own": "`true` or `false`: whether all others whom the cluster knows see their own starts",
    "admin.tokens": "list of `{name, file, role}`: bearer tokens, and whether each may `read` or `write`",
    "admin.tls.certificate": "PEM file with the certificate of the admin port, and its chain",
    "admin.tls.key": "PEM file with its key",
    "admin.tls.client_ca": "PEM file with the authorities of clients' certificates, which are asked for then",
    "admin.tls.client_certificates": "`required` or `optional`",
    "admin.tls.client_crl": "PEM file with what those authorities have revoked",
    "admin.tls.min_version": "lowest version of TLS: `1.2` or `1.3`",
    "admin.tls.max_version": "and the highest",
    "log.format": "`console`, lines for people, or `json`: the Elastic Common Schema, an object a line",
    "log.path": "file that the log is appended to; standard error where absent",
    "log.level": "how much is logged: `debug`, `info`, `warning`, `error` or `critical`",
    "log.levels": "levels of single loggers by name, such as `{proxy.edge: debug}`",
    "log.slow_start_s": "a start that takes so many seconds is logged step by step; 0: none",
    "log.access.path": "file that gets a line for a request, or `stderr`; none where absent",
    "log.access.sample": "share of the requests that are told, from 0 to 1",
    "log.access.slow_s": "a request that takes so many seconds is told in any case; 0: none for that",
    "log.access.errors": "`true` or `false`: whether a request that fails is told in any case",
    "log.access.query": "`true` or `false`: whether targets are told with their queries, which may hold secrets",
    "tracing.otlp": "URL of a collector that gets traces of starts (OTLP over HTTP); nothing is traced where absent",
    "tracing.headers_file": "file with headers that are sent along, `name: value`, a line each",
    "tracing.ca": "PEM file with the authorities that the collector's certificate is checked against",
    "tracing.sample": "share of the starts that are traced whose client decided nothing, from 0 to 1",
    "gate.socket": "path of the gate's Unix socket; a private temporary folder where absent",
    "control.socket": "path of the control API's Unix socket; `control.sock` in the journal's folder where absent",
    "identity.users_file": "users and password hashes, in the form of Elasticsearch's `users` file",
    "identity.users_roles_file": "their roles, in the form of Elasticsearch's `users_roles` file",
    "identity.client_certificates.username": "what of a client's certificate is the user: cn, dn, email, dns or uri",
    "identity.client_certificates.users": "or a map from distinguished names to users",
    "identity.trusted_header.name": "header in which an authenticating front names the user",
    "identity.trusted_header.peers": "networks whose requests may have that header, such as `10.0.0.5/32`; or a list",
    "identity.trusted_header.roles_header": "header in which the front names the user's roles",
    "identity.trusted_header.forward": "whether the cluster gets these headers of a start",
    **{f"limits.edge.{limit.name}": "limit of an edge process" for limit in fields(EdgeLimits)},
    **{f"limits.gate.{limit.name}": "limit of the gate" for limit in fields(GateLimits)},
    **{f"limits.identity.{limit.name}": "limit of verifying passwords" for limit in fields(IdentityLimits)},
    **{f"limits.admin.{limit.name}": "limit of the admin port" for limit in fields(AdminLimits)},
    **{f"limits.ship.{limit.name}": "limit of shipping the journal" for limit in fields(ShipLimits)},
    **{f"limits.trace.{limit.name}": "limit of sending traces" for limit in fields(TraceLimits)},
}

# The long form of `listen` is nested: these are its keys, in the file and in the environment.
LISTEN_KEYS = (
    "listen.address",
    "listen.tls.certificate",
    "listen.tls.key",
    "listen.tls.client_ca",
    "listen.tls.client_certificates",
    "listen.tls.client_crl",
    "listen.tls.min_version",
    "listen.tls.max_version",
    "listen.proxy_protocol",
)

SECTIONS = frozenset(
    ".".join(pieces[:depth])
    for name in (*KEYS, *LISTEN_KEYS)
    for pieces in [name.split(".")]
    for depth in range(1, len(pieces))
) - {"listen"}

# Variables that begin like ours and are no keys: of the option, of who asks for a plan, of the tests, and what
# Kubernetes puts into every container when a Service is called `startgate`.
NOT_KEYS = re.compile(
    r"STARTGATE_(CONFIG|PASSWORD|REQUIRE_REAL|REAL_.*|SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def variable(name: str) -> str:
    """The environment variable of a dotted key: `cluster.nodes` → `STARTGATE_CLUSTER__NODES`."""
    return PREFIX + name.replace(".", "__").upper()


VARIABLES: Mapping[str, str] = {variable(name): name for name in (*KEYS, *LISTEN_KEYS)}


def siblings(section: str) -> list[str]:
    """The last pieces of the keys and sections directly under `section`; the top level where it is empty."""
    prefix = f"{section}." if section else ""
    under = {name.removeprefix(prefix) for name in (*KEYS, *LISTEN_KEYS) if name.startswith(prefix)}
    return sorted({name.split(".")[0] for name in under})
