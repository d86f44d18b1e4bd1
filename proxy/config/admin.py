"""`admin.*`: where metrics and health are served."""

from collections.abc import Iterable

from proxy.config import values
from proxy.config.identity import Taker
from proxy.config.tree import Node
from proxy.settings import Listen

OFF = "off"
# Whoever has such an address has all of the machine's.
EVERY = frozenset({"0.0.0.0", "::"})  # noqa: S104 -- nothing is bound here
# Loopback: who may read there is whoever can connect.
DEFAULT_ADMIN = Listen(host="127.0.0.1", port=9402)


def admin_listen(reader: Taker, listens: Iterable[Listen]) -> Listen | None:
    """The address of the admin port, None where there is none. `listens` are those for clients."""
    default: Listen | None = DEFAULT_ADMIN
    admin = reader.take("admin.listen", _listen, default)
    if admin is not None and admin.port and any(_meets(admin, one) for one in listens):
        text = f"{admin.host}:{admin.port} is an address of `listen`, too, which clients have"
        if "admin.listen" in reader.found:
            reader.refuse("admin.listen", text)
        else:
            reader.refuse("listen", f"{text}; choose another for admin.listen")
    return admin


def _meets(one: Listen, other: Listen) -> bool:
    return one.port == other.port and (one.host == other.host or bool({one.host, other.host} & EVERY))


def _listen(node: Node) -> Listen | None:
    # A YAML file's `off` is `false`; a variable's is a text.
    if node.value is False or node.value == OFF:
        return None
    host, port = values.address(node)
    return Listen(host=host, port=port)
