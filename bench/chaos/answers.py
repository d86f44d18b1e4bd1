"""What the node answers to tagged calls: said once, for the node that answers and for who compares.

`GET /chaos/echo/<tag>/<n>` is n bytes that belong to the tag. `POST /chaos/once/<tag>` is the tag and the digest of the
body. `POST /chaos/_search?scroll=1m&tag=<tag>` is the first page of a scroll, `POST /_search/scroll` the next one; the
scroll's id is all that a page is made of, so that any node has the next.
"""

import hashlib
import json

PAGES = 4
_HITS = 10


def echo(tag: str, length: int) -> bytes:
    """The bytes of a tag: another tag has others."""
    piece = hashlib.sha256(tag.encode()).digest()
    return (piece * (length // len(piece) + 1))[:length]


def once(tag: str, body: bytes) -> bytes:
    """What a POST is answered with."""
    return json.dumps({"tag": tag, "sha256": hashlib.sha256(body).hexdigest()}).encode()


def page(tag: str, number: int) -> bytes:
    """A page of a scroll; those behind the last are empty."""
    count = _HITS if number < PAGES else 0
    hits = [{"_id": f"{tag}-{number}-{at}", "_source": {"n": number * _HITS + at}} for at in range(count)]
    return json.dumps({"_scroll_id": f"{tag}.{number}", "hits": {"hits": hits}}).encode()
