"""The one error of decoding."""

from proxy.errors import StartgateError


class WireError(StartgateError):
    """A peer sent something that is not strict HTTP/1.1, or more than the limits allow.

    `status` is the HTTP status to answer when the peer is a client; when it is a server the answer is always 502.
    `reason` is safe to send and to log: it never repeats what the peer sent.
    """

    def __init__(self, reason: str, *, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
