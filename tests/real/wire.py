"""Raw exchanges: bytes to a port, bytes back, bounded in time. What HTTP libraries would not send is sent here."""

import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

# Between two parts of one request: long enough to arrive as two reads on a loopback.
PART_GAP_S = 0.02


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back. `closed` tells whether the peer ended the connection, `after_s` when the last thing happened."""

    data: bytes
    closed: bool
    after_s: float

    @property
    def status(self) -> int:
        """The status of the first answer; 0 where there is none."""
        line = self.data.split(b"\r\n", 1)[0].split(b" ")
        return int(line[1]) if len(line) > 1 and line[1].isdigit() else 0


def exchange(port: int, parts: Sequence[bytes], *, quiet_s: float = 0.15, wait_s: float = 1.0) -> Heard:
    """Sends `parts` with a pause between them and reads until the peer closes or falls silent.

    Silence is `quiet_s` after something was heard, `wait_s` while nothing was.
    """
    began = time.monotonic()
    data, closed = b"", False
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for at, part in enumerate(parts):
                if at:
                    time.sleep(PART_GAP_S)
                peer.sendall(part)
        except OSError:
            closed = True  # refused before all was sent; what it said is still to be read
        heard_at = time.monotonic()
        while select.select([peer], [], [], quiet_s if data else wait_s)[0]:
            try:
                chunk = peer.recv(1 << 20)
            except OSError:
                chunk = b""
            heard_at = time.monotonic()
            if not chunk:
                closed = True
                break
            data += chunk
    return Heard(data, closed, heard_at - began)
