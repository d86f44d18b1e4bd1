"""`journal.*`: how the record is written, when a new file is begun, and what is deleted."""

from proxy.config import files, values
from proxy.config.identity import Taker
from proxy.config.tree import Node, invalid
from proxy.rules.signed import NoKey, private_key
from proxy.settings import JournalSettings

ON_FULL = ("refuse", "unsafe_continue")
# Smaller files would be mostly beginnings; a number of MiB that was taken for bytes is caught by this.
ROTATE_AT_LEAST_BYTES = 64 * 1024
_SINKS = "journal.sinks."


def journal_settings(reader: Taker) -> JournalSettings:
    """The keys of the journal but its path, its masks and its sinks."""
    default = JournalSettings()
    made = JournalSettings(
        on_full=reader.take("journal.on_full", lambda node: values.choice(node, ON_FULL), default.on_full),
        append_limit_s=reader.take("journal.append_limit_s", values.seconds, default.append_limit_s),
        rotate_size_bytes=reader.take("journal.rotate.size_bytes", _size_bytes, default.rotate_size_bytes),
        rotate_age_s=reader.take("journal.rotate.age_s", _age_s, default.rotate_age_s),
        retain_files=reader.take("journal.retain.files", _files, default.retain_files),
        retain_age_s=reader.take("journal.retain.age_s", _age_s, default.retain_age_s),
        checkpoint_key=reader.take("journal.checkpoints.key_file", _key, default.checkpoint_key),
        checkpoint_every_records=reader.take(
            "journal.checkpoints.every_records",
            lambda node: values.whole(node, at_least=1),
            default.checkpoint_every_records,
        ),
    )
    _needed(reader, made)
    return made


def _needed(reader: Taker, made: JournalSettings) -> None:
    """What means nothing alone is refused, so that nobody believes it to be in force."""
    ships = any(name.startswith(_SINKS) for name in reader.found)
    for name, bound in (("files", made.retain_files), ("age_s", made.retain_age_s)):
        if bound and not ships:
            text = "means nothing without journal.sinks: what is not shipped is not deleted"
            reader.refuse(f"journal.retain.{name}", text)
    every, key = "journal.checkpoints.every_records", "journal.checkpoints.key_file"
    if every in reader.found and key not in reader.found:
        reader.refuse(every, f"needs {key}")


def _size_bytes(node: Node) -> int:
    return values.whole(node, at_least=ROTATE_AT_LEAST_BYTES)


def _age_s(node: Node) -> float:
    return values.seconds(node, or_zero=True)


def _files(node: Node) -> int:
    return values.whole(node, at_least=0)


def _key(node: Node) -> str:
    pem = files.secret_text(node)
    try:
        private_key(pem)
    except NoKey as failure:
        raise invalid(node, f"{node.path(values.text(node))} {failure}") from None
    return pem
