"""`startgate.yml`, commented."""

import json
from collections.abc import Iterator, Sequence

from proxy.starter.certificates import CERTIFICATE, KEY
from proxy.starter.credential import API_KEY_FILE, PASSWORD_FILE, USERNAME
from proxy.starter.model import API_KEY, BY_ROLES, RULES, USER, Wish
from proxy.starter.users import USERS, USERS_ROLES


def config(wish: Wish) -> str:
    """The configuration as text."""
    return "\n".join(_lines(wish)) + "\n"


def _lines(wish: Wish) -> Iterator[str]:
    yield "# Made by `startgate init`. All other keys are in startgate.example.yml, with their defaults; others are"
    yield "# refused. Relative paths start at this folder. `startgate check` says what is wrong with a change,"
    yield "# `startgate doctor` what is wrong with everything around it."
    yield ""
    yield "# Where clients and Kibana (elasticsearch.hosts) connect, instead of the cluster."
    yield from _listen(wish)
    yield ""
    yield f"workers: {wish.workers}  # edge processes; one for each CPU is what a machine has use for"
    yield ""
    yield "cluster:"
    yield f"  nodes: {_list(wish.nodes)}"
    yield "  # Clients that ask for the nodes' addresses are told Startgate's, and do not go round it."
    yield "  sniffing: rewrite"
    yield from _service(wish)
    if wish.cluster_ca is not None:
        yield f"  tls: {{ca: {json.dumps(wish.cluster_ca)}}}  # who signs the nodes' certificates"
    yield ""
    yield f"rules: {RULES}  # taken when they change; `startgate test` runs the cases beside them"
    if wish.authority == BY_ROLES:
        yield ""
        yield "# The cluster has no security: Startgate itself finds out who asks, and role files say what they may do."
        yield "identity:"
        yield f"  users_file: {USERS}"
        yield f"  users_roles_file: {USERS_ROLES}"
    yield ""
    yield "# The record of every start. Nothing is deleted unless journal.retain says so."
    yield "journal:"
    yield f"  path: {json.dumps(wish.journal)}"
    yield ""
    yield "# The admin page, metrics and health: for this machine only."
    yield "admin:"
    yield "  listen: 127.0.0.1:9402"


def _listen(wish: Wish) -> Iterator[str]:
    if not wish.tls:
        yield f"listen: {json.dumps(wish.listen)}"
        return
    yield "listen:"
    yield f"  address: {json.dumps(wish.listen)}"
    yield "  # For a test. In production: a certificate of an authority that your clients know."
    yield f"  tls: {{certificate: {CERTIFICATE}, key: {KEY}}}"


def _service(wish: Wish) -> Iterator[str]:
    if wish.service == API_KEY:
        yield "  # Made by service-credential.sh. It looks up the owners of jobs, and makes their destinations."
        yield f"  service: {{api_key_file: {API_KEY_FILE}}}"
    elif wish.service == USER:
        yield "  # Made by service-credential.sh. It looks up the owners of jobs, and makes their destinations."
        yield f"  service: {{username: {USERNAME}, password_file: {PASSWORD_FILE}}}"
    else:
        yield "  # No service credential: starts that Kibana sends are denied (docs/service-credential.md)."
        yield f"  # service: {{api_key_file: {API_KEY_FILE}}}"


def _list(values: Sequence[str]) -> str:
    return json.dumps(list(values))
