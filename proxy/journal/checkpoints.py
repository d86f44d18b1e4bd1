"""Checkpoints: signed statements that a journal had a certain record at a certain place, to be kept elsewhere.

The chain shows what was changed within a journal, not that its end was cut off: whoever can write the files can write
a shorter chain. A checkpoint that was copied away in time shows that too. Signatures are Ed25519 (RFC 8032) over
canonical JSON; the private key is needed for writing alone.
"""

import base64
import logging
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.errors import JournalError
from proxy.journal.chain import Link, canonical
from proxy.journal.entry import timestamp
from proxy.journal.files import Files, append_lines
from proxy.journal.folder import CHECKPOINTS_FILE
from proxy.rules.signed import NoKey, private_key, public_key

logger = logging.getLogger(__name__)

# Before what is signed, so that no signature made for something else is one of these (RFC 8032 §8.3).
_PURPOSE = b"startgate journal checkpoint 1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The journal had the record `seq` with this hash at this time (RFC 3339); `signature` is base64 of 64 bytes."""

    journal: str
    seq: int
    hash: str
    time: str
    signature: str


def _said(journal: str, seq: int, hash: str, time: str) -> bytes:
    return _PURPOSE + canonical({"journal": journal, "seq": seq, "hash": hash, "time": time})


def sign(key: Ed25519PrivateKey, link: Link, now_ms: int) -> Checkpoint:
    """The checkpoint of the record before a place."""
    seq, time = link.seq - 1, timestamp(now_ms)
    signature = base64.b64encode(key.sign(_said(link.journal, seq, link.prev, time))).decode()
    return Checkpoint(journal=link.journal, seq=seq, hash=link.prev, time=time, signature=signature)


def read_checkpoint(line: bytes) -> Checkpoint:
    """The checkpoint in one line of `checkpoints.jsonl`, its signature unchecked. Raises ValueError: it is none."""
    try:
        return msgspec.json.decode(line, type=Checkpoint)
    except msgspec.MsgspecError as failure:
        raise ValueError(f"is no checkpoint: {failure}") from failure


def is_signed(checkpoint: Checkpoint, public_pem: str) -> bool:
    """Whether the holder of the private key that belongs to this public one (PEM) signed these very values.

    Raises:
        NoKey: the text is no public key.
    """
    key = public_key(public_pem)
    try:
        said = _said(checkpoint.journal, checkpoint.seq, checkpoint.hash, checkpoint.time)
        key.verify(base64.b64decode(checkpoint.signature, validate=True), said)
    except (InvalidSignature, ValueError):  # ValueError: no base64, or a text that UTF-8 cannot hold
        return False
    return True


class Checkpoints:
    """Writes `checkpoints.jsonl` beside the journal, a line every `every_records` records and one at the end.

    A checkpoint that cannot be written keeps no start from being recorded: it is logged, and made again later.
    """

    def __init__(self, folder: Path, pem: str, every_records: int, seq: int, files: Files) -> None:
        """`pem` is the private key, empty for no checkpoints; `seq` the last record's number as of now.

        Raises:
            JournalError: it is no private key.
        """
        self._path = folder / CHECKPOINTS_FILE
        self._every = every_records
        self._signed = seq
        self._files = files
        try:
            self._key = private_key(pem) if pem else None
        except NoKey as failure:
            raise JournalError(f"the key of journal.checkpoints.key_file {failure}") from failure

    def due(self, link: Link, *, at_end: bool = False) -> bool:
        """Whether the place before this one is to be signed; `at_end`: no further records come."""
        last = link.seq - 1
        return self._key is not None and last - self._signed >= (1 if at_end else self._every)

    def write(self, link: Link, now_ms: int) -> None:
        """Sign the record before a place, durably; what goes wrong is logged."""
        if self._key is None:
            return
        checkpoint = sign(self._key, link, now_ms)
        try:
            append_lines(self._files, self._path, msgspec.json.encode(checkpoint) + b"\n")
        except OSError as failure:
            logger.error("%s cannot be written: %s", self._path, failure.strerror or failure)
            return
        self._signed = checkpoint.seq
        # In the log too: that is kept elsewhere more often than not.
        logger.info("journal checkpoint: %s", msgspec.json.encode(checkpoint).decode())
