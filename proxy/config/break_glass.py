"""`break_glass.public_keys`: the keys that vouch for exceptions, by name."""

import re

from proxy.config.files import secret_text
from proxy.config.tree import Node, invalid
from proxy.config.values import pairs, text
from proxy.errors import ConfigError, Fault
from proxy.rules.signed import NoKey, public_key

# Names stand in rule files (`signed_by`), in the log and in the record.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def public_keys(node: Node) -> dict[str, str]:
    """The PEM text of each key by name: a map of names to files, or `name=file` with commas between in a variable.

    Raises ConfigError with every fault.
    """
    faults: list[Fault] = []
    found: dict[str, str] = {}
    for name, one in pairs(node, "names to files with public keys", "name=file").items():
        try:
            found[name] = _key(name, one)
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    return found


def _key(name: str, node: Node) -> str:
    if not _NAME.fullmatch(name):
        raise invalid(node, f"{name!r} is no name: letters, digits and `_.-`, 64 at most", key=True)
    pem = secret_text(node)
    try:
        public_key(pem)
    except NoKey as failure:
        raise invalid(node, f"{node.path(text(node))} {failure}") from None
    return pem
