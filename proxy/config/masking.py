"""`journal.mask`: what of persons is not written to the journal as it is."""

from proxy.config import files, values
from proxy.config.identity import Taker
from proxy.config.tree import Node, invalid
from proxy.errors import nearest
from proxy.journal.fields import FIELDS
from proxy.journal.mask import MASKABLE
from proxy.settings import Masking

# Who knows the key tries all names in a moment; who does not must not be able to try all keys.
KEY_CHARS = 16


def masking(reader: Taker) -> Masking:
    """The keys `journal.mask` and `journal.mask_key_file`, which come together."""
    none: tuple[str, ...] = ()
    masked = reader.take("journal.mask", lambda node: values.each(node, _maskable), none)
    key = reader.take("journal.mask_key_file", _key, "")
    for one, other in (("journal.mask", "journal.mask_key_file"), ("journal.mask_key_file", "journal.mask")):
        if one in reader.found and other not in reader.found:
            reader.refuse(one, f"needs {other}")
    return Masking(fields=tuple(dict.fromkeys(masked)), key=key)


def _maskable(node: Node) -> str:
    name = values.text(node)
    if name in MASKABLE:
        return name
    head = next((one for one, others in MASKABLE.items() if name in others), None)
    if head is not None:
        raise invalid(node, f"{name!r} is masked together with {head}: name that")
    can = f"these can be masked: {', '.join(MASKABLE)}"
    if name in FIELDS:
        raise invalid(node, f"{name!r} cannot be masked; {can}")
    raise invalid(node, f"{name!r} is no field of a record{nearest(name, MASKABLE)}; {can}")


def _key(node: Node) -> str:
    key = files.secret(node)
    if len(key) < KEY_CHARS:
        raise invalid(node, f"{node.path(values.text(node))} holds less than {KEY_CHARS} characters; keep a long key")
    return key
