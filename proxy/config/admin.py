"""`admin.*`: where metrics and health are served."""

from proxy.config import values
from proxy.config.identity import Taker
from proxy.config.tree import Node
from proxy.settings import Listen

OFF = "off"
# Loopback: who may read there is whoever can connect.
DEFAULT_ADMIN = Listen(host="127.0.0.1", port=9402)


def admin_listen(reader: Taker) -> Listen | None:
    """The address of the admin port, None where there is none."""
    default: Listen | None = DEFAULT_ADMIN
    return reader.take("admin.listen", _listen, default)


def _listen(node: Node) -> Listen | None:
    # A YAML file's `off` is `false`; a variable's is a text.
    if node.value is False or node.value == OFF:
        return None
    host, port = values.address(node)
    return Listen(host=host, port=port)
