"""Answers to clients that sniff: what they ask the cluster for is the nodes' addresses, to connect there themselves.

With `cluster.sniffing: rewrite` such an answer names this proxy in place of every node, so that clients which cannot
be told to stop sniffing stay behind it. Only what the clients' sniffers send is looked at; everything else goes
through an ordinary `Exchange`. An answer that cannot be rewritten for sure is not passed on: it would lead a client
round the gate.
"""

import json
import re
from typing import Final

from proxy.edge.exchange import Exchange
from proxy.edge.refusals import Reason
from proxy.edge.sides import ClientSide, Target
from proxy.wire.answer import AnswerHead, encode_answer
from proxy.wire.body import body_reader
from proxy.wire.errors import WireError
from proxy.wire.hops import without
from proxy.wire.limits import HeadLimits
from proxy.wire.request import RequestHead

# A node is about 1 KiB in such an answer; four thousand nodes are more than any cluster has.
ANSWER_BYTES: Final = 4 * 1024 * 1024

# RestNodesInfoAction: `/_nodes/{metrics}` and `/_nodes/{nodeId}/{metrics}`. The clients' sniffers ask for `http`, some
# together with other metrics.
_TARGET: Final = re.compile(rb"/_nodes(?:/[^/?]+)?/(?:[a-z_]+,)*http(?:,[a-z_]+)*/?(?:\?.*)?", re.DOTALL)
_HOST: Final = re.compile(rb"\nHost:[ \t]*([^ \t\r]+)[ \t]*\r", re.IGNORECASE)
_TYPE: Final = re.compile(rb"\ncontent-type:[ \t]*application/(?:json|vnd\.elasticsearch\+json)[ \t;\r]", re.IGNORECASE)
_CODED: Final = re.compile(rb"\ncontent-encoding:", re.IGNORECASE)


class CannotRewrite(ValueError):
    """An answer is not of the shape that is known; the text says in which way."""


def sniffs(method: bytes, target: bytes) -> bool:
    """Whether a request is what sniffing clients send."""
    return method == b"GET" and target.startswith(b"/_nodes") and _TARGET.fullmatch(target) is not None


def own_address(section: bytes, local: object, *, secure: bool) -> str:
    """Where the client reached us, as `host:port`: what its Host says, which it knows to be reachable; where it says
    nothing, the local end of its connection (`sockname`). `secure`: it came over TLS."""
    found = _HOST.search(section)
    if found is not None:
        host = found[1].decode("ascii", "replace")
        if re.search(r":\d+\Z", host) is None:
            host += ":443" if secure else ":80"
        return host
    host, port = local[:2] if isinstance(local, tuple) else ("127.0.0.1", 0)
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def rewritten(body: bytes, own: str) -> bytes:
    """The body with `own` in place of every address that a node publishes for HTTP. Raises CannotRewrite."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise CannotRewrite("it is no JSON") from None
    nodes = answer.get("nodes", {}) if isinstance(answer, dict) else None
    if not isinstance(nodes, dict):
        raise CannotRewrite("it has no nodes")
    for node in nodes.values():
        _rewrite(node, own)
    # In ASCII: JSON can name half of a surrogate pair, UTF-8 cannot hold it.
    return json.dumps(answer, separators=(",", ":")).encode("ascii")


def _rewrite(node: object, own: str) -> None:
    http = node.get("http", {}) if isinstance(node, dict) else None
    if not isinstance(http, dict):
        raise CannotRewrite("a node in it is none")
    if "publish_address" in http:
        http["publish_address"] = own
    if "bound_address" in http:
        http["bound_address"] = [own]


class SniffingExchange(Exchange):
    """An exchange whose answer is held whole and rewritten, where it is one that succeeded."""

    __slots__ = ("_gathered", "_own")

    def __init__(self, client: ClientSide, head: RequestHead, target: Target, limits: HeadLimits) -> None:
        # What is packed cannot be rewritten.
        plain = head._replace(section=without(head.section, (b"accept-encoding",)))
        super().__init__(client, plain, target, limits)
        info = client.transport.get_extra_info
        self._own = own_address(head.section, info("sockname"), secure=info("ssl_object") is not None)
        self._gathered: bytes | None = None

    def _begin_answer(self, answer: AnswerHead, data: bytes) -> None:
        if answer.status != 200:
            super()._begin_answer(answer, data)
            return
        self._answer = answer
        body = data[answer.end :]
        if _TYPE.search(answer.section) is None or _CODED.search(answer.section) is not None:
            self._refuse("it is no plain JSON")
        elif answer.framing == len(body):
            self._rewritten(body, surplus=False)
        else:
            self._gathered = b""
            self._answer_body = body_reader(answer.framing)
            self._relay(body, b"")

    def _relay(self, data: bytes, head: bytes) -> None:
        reader = self._answer_body
        if self._gathered is None or reader is None:
            super()._relay(data, head)
            return
        try:
            self._gathered += reader.feed(data)
        except WireError as fault:
            self._bad_answer(fault)
            return
        if len(self._gathered) > ANSWER_BYTES:
            self._refuse(f"it is larger than {ANSWER_BYTES} bytes")
        elif reader.done:
            self._rewritten(self._gathered, surplus=bool(reader.rest))

    def _rewritten(self, body: bytes, *, surplus: bool) -> None:
        answer = self._answer
        assert answer is not None  # noqa: S101 -- set by _begin_answer, the only way here
        try:
            body = rewritten(body, self._own)
        except CannotRewrite as failure:
            self._refuse(str(failure))
            return
        # A tag of what the node wrote is no tag of this.
        section = without(answer.section, (b"content-length", b"etag"))
        section += b"\nContent-Length: %d\r" % len(body)
        keep = self._keep = self._keeps(answer._replace(framing=len(body)))
        head = encode_answer(
            answer._replace(section=section, framing=len(body)), minor=self._head.minor, keep_alive=keep
        )
        self._client.transport.write(head + body)
        self._finish(surplus=surplus)

    def _refuse(self, why: str) -> None:
        text = f"the answer to a sniffing client cannot be rewritten: {why}"
        self._fail(502, "illegal_state_exception", text, Reason.SNIFFING)
