"""The service credential: the least that it must be allowed, and the commands that make it.

Both forms, for a shell and for Kibana's console, say the same; the role is that of docs/service-credential.md.
"""

import json
import shlex
from collections.abc import Sequence
from typing import Any, Final

from proxy.starter.model import API_KEY, NONE, PRIVATE, USER, Made, Wish, secret, text

CLUSTER: Final = ("monitor", "monitor_ml", "read_security")
SOURCE: Final = ("read", "view_index_metadata")
DESTINATION: Final = ("read", "create_index", "manage", "delete_index")
NAME: Final = "startgate"
USERNAME: Final = "startgate"
API_KEY_FILE: Final = "secrets/api-key"
PASSWORD_FILE: Final = "secrets/password"  # noqa: S105 -- where it is kept
SCRIPT: Final = "service-credential.sh"
CONSOLE: Final = "service-credential.console"
# Is of the form of a key, so that the configuration can be checked before there is one. No cluster takes it.
PLACEHOLDER: Final = "placeholder:run-service-credential.sh"


def role(sources: Sequence[str], destinations: Sequence[str]) -> dict[str, Any]:
    """The role, as Elasticsearch's API takes it."""
    return {
        "cluster": list(CLUSTER),
        "indices": [
            {"names": list(sources), "privileges": list(SOURCE)},
            {"names": list(destinations), "privileges": list(DESTINATION)},
        ],
    }


def credential(wish: Wish, password: str) -> list[Made]:
    """The files that make it, and the one that holds it; `password` is one that nobody has used before."""
    if wish.service == NONE:
        return []
    held = secret(API_KEY_FILE, PLACEHOLDER) if wish.service == API_KEY else secret(PASSWORD_FILE, password)
    return [held, text(SCRIPT, _script(wish), PRIVATE), text(CONSOLE, _console(wish))]


def _calls(wish: Wish) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and body of each call; the password of a user is left out."""
    granted = role(wish.sources, wish.destinations)
    if wish.service == USER:
        return [
            ("PUT", f"/_security/role/{NAME}", granted),
            ("PUT", f"/_security/user/{USERNAME}", {"roles": [NAME]}),
        ]
    return [("POST", "/_security/api_key", {"name": NAME, "role_descriptors": {NAME: granted}})]


def _console(wish: Wish) -> str:
    lines = ["# For Kibana's console (Dev Tools), by somebody who may manage API keys, or users and roles."]
    for method, path, body in _calls(wish):
        shown = {"password": "THE TEXT OF secrets/password", **body} if path.endswith(f"user/{USERNAME}") else body
        lines += ["", f"{method} {path}", json.dumps(shown, indent=2)]
    if wish.service == API_KEY:
        lines += ["", "# What the answer calls `encoded` goes into secrets/api-key, which only Startgate may read."]
    return "\n".join(lines) + "\n"


_HEAD: Final = """\
#!/bin/sh
# Makes Startgate's service credential in the cluster, with the least that it needs (docs/service-credential.md).
# Asks as ES_USER (elastic), whose password is ES_PASSWORD or asked for; ES_URL names another node.
set -eu
umask 077
cd "$(dirname "$0")"
url=${{ES_URL:-{url}}}
user=${{ES_USER:-elastic}}
{guard}
if [ -z "${{ES_PASSWORD:-}}" ]; then
  [ -t 0 ] || {{ echo 'set ES_PASSWORD, or run this on a terminal' >&2; exit 1; }}
  printf 'password of %s at %s: ' "$user" "$url" >&2
  trap 'stty echo' EXIT
  stty -echo; read -r ES_PASSWORD; stty echo; echo >&2
fi

# By standard input, so that no secret shows in the list of processes. Backslashes and quotes are curl's own there.
call() {{
  {{ printf 'user = "%s"\\n' "$(printf '%s:%s' "$user" "$ES_PASSWORD" | sed 's/[\\\\"]/\\\\&/g')"
    printf 'data = "%s"\\n' "$(printf '%s' "$3" | sed 's/[\\\\"]/\\\\&/g')"
  }} | curl -sS -K - {ca}-X "$1" -H 'content-type: application/json' "$url$2"
}}
"""
_KEPT: Final = """\
if [ -f {file} ] && ! grep -q '^placeholder:' {file}; then
  echo 'secrets/api-key holds a key already; remove the file to have another made' >&2
  exit 1
fi"""
_MAKE_KEY: Final = """
answer=$(call {method} {path} {body})
encoded=$(printf '%s' "$answer" | sed -n 's/.*"encoded" *: *"\\([^"]*\\)".*/\\1/p')
if [ -z "$encoded" ]; then
  printf 'the cluster made no key: %s\\n' "$answer" >&2
  exit 1
fi
printf '%s' "$encoded" > {file}.new
mv {file}.new {file}
echo 'the key is in {file}'
"""
_MAKE_USER: Final = """
made() {{
  case $1 in *'"error"'*|'') printf 'the cluster refuses it: %s\\n' "$1" >&2; exit 1 ;; esac
}}
made "$(call {role_method} {role_path} {role_body})"
made "$(call {user_method} {user_path} "{{\\"password\\": \\"$(cat {file})\\", \\"roles\\": [\\"{name}\\"]}}")"
echo 'the user {user} is there; its password is in {file}'
"""


def _script(wish: Wish) -> str:
    ca = "" if wish.cluster_ca is None else f"--cacert {shlex.quote(wish.cluster_ca)} "
    guard = _KEPT.format(file=API_KEY_FILE) if wish.service == API_KEY else ":"
    head = _HEAD.format(url=shlex.quote(wish.nodes[0]), guard=guard, ca=ca)
    calls = [(method, path, shlex.quote(json.dumps(body))) for method, path, body in _calls(wish)]
    if wish.service == API_KEY:
        ((method, path, body),) = calls
        return head + _MAKE_KEY.format(method=method, path=path, body=body, file=API_KEY_FILE)
    (role_method, role_path, role_body), (user_method, user_path, _) = calls
    return head + _MAKE_USER.format(
        role_method=role_method,
        role_path=role_path,
        role_body=role_body,
        user_method=user_method,
        user_path=user_path,
        file=PASSWORD_FILE,
        name=NAME,
        user=USERNAME,
    )
