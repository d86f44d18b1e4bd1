"""All files together, and what to do next."""

import secrets
import socket
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from proxy.starter import certificates, users
from proxy.starter.config import config
from proxy.starter.credential import API_KEY_FILE, CONSOLE, SCRIPT, credential
from proxy.starter.model import API_KEY, BY_ROLES, CONFIG, NONE, Made, Wish, text
from proxy.starter.rules import rules

# So that nobody commits what must not leave the machine.
IGNORED: Final = "secrets/\njournal/\ntls/*.key\nusers\n"
# Of 18 bytes: beyond all guessing.
PASSWORD_BYTES: Final = 18


def files(wish: Wish, shipped: Path, existing: Collection[str] = ()) -> list[Made]:
    """Every file, the configuration last: where it is there, all is. `shipped` is the folder of rules that comes with
    Startgate; `existing` are paths that are there already. Raises as `rules`."""
    made = [*rules(wish, shipped), text(".gitignore", IGNORED)]
    made += credential(wish, secrets.token_urlsafe(PASSWORD_BYTES))
    if wish.tls:
        made += certificates.certificates(wish.host, socket.gethostname(), datetime.now(UTC))
    if wish.authority == BY_ROLES:
        first = users.users(secrets.token_urlsafe(PASSWORD_BYTES))
        # Where there are users already, they stay, and the password would be no one's.
        made += [one for one in first if users.USERS not in existing or one.path != users.PASSWORD_FILE]
    return [*made, text(CONFIG, config(wish))]


def steps(wish: Wish, folder: Path, *, password_made: bool) -> Iterator[str]:
    """What to do next, a line each; `password_made`: a user of Startgate's own was made."""
    place = "" if folder == Path() else f"cd {folder}"
    if place:
        yield place
    if wish.service != NONE:
        yield f"sh {SCRIPT}        # makes the service credential, as a user who may; {CONSOLE} for Kibana's console"
    yield "startgate check && startgate test"
    yield "startgate doctor"
    yield "startgate serve"
    scheme = "https" if wish.tls else "http"
    ca = f"--cacert {certificates.AUTHORITY} " if wish.tls else ""
    yield f"curl {ca}{scheme}://{_near(wish)}/        # the cluster answers, through Startgate"
    if password_made:
        yield f"hand the password in {users.PASSWORD_FILE} to {users.USER}, and remove the file"
    yield "point Kibana (elasticsearch.hosts) and clients there, and close the nodes' own ports to them"


def _near(wish: Wish) -> str:
    host, port = wish.host, wish.listen.rpartition(":")[2]
    near = "localhost" if host in certificates.ANY else host
    return f"[{near}]:{port}" if ":" in near else f"{near}:{port}"


def secret_is_missing(wish: Wish, folder: Path) -> bool:
    """Whether the API key has yet to be made."""
    return wish.service == API_KEY and (folder / API_KEY_FILE).read_text().startswith("placeholder:")
