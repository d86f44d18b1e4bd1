"""A load on replicas, shared out by a front."""

import asyncio

from proxy.journal.entry import Phase
from tests.faults.replicas import DOCUMENTS, NOBODY_LISTENS, PATIENCE_S, Site
from tests.stack import Replied

CLIENTS = 4


class Front:
    """What a load balancer does: it takes the replicas in turn, and the next where nobody listens, or where one says of
    a start that it cannot judge it (503). Nothing else is asked again."""

    def __init__(self, found: Site) -> None:
        self.site, self.turn, self.refused = found, 0, 0

    async def call(self, method: str, target: str, body: object = None) -> Replied:
        """One call, by whichever replica takes it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self.turn += 1
                replica = self.site.replicas[self.turn % len(self.site.replicas)]
                try:
                    answer = await replica.call(method, target, self.site.cluster.superuser, body)
                except NOBODY_LISTENS:
                    self.refused += 1
                    continue
                if answer.status == 503 and target.endswith("/_start"):
                    continue
                return answer


async def load(front: Front, client: int, stop: asyncio.Event) -> int:
    """Requests of all kinds until told to stop; each must succeed. How many starts there were."""
    number = 0
    while not stop.is_set():
        number += 1
        job = f"job-{client}-{number}"
        assert (await front.call("GET", "/src/_count")).json["count"] == DOCUMENTS
        body = {"source": {"index": ["src"]}, "dest": {"index": f"out-{job}"}, "analysis": {"outlier_detection": {}}}
        for method, target, sent in (
            ("PUT", f"/notes/_create/{job}", {"text": job}),
            ("PUT", f"/_ml/data_frame/analytics/{job}", body),
            ("POST", f"/_ml/data_frame/analytics/{job}/_start", None),
            # Five calls, an odd number: a client that is alone comes to each replica with its starts, too.
            ("GET", f"/_ml/data_frame/analytics/{job}", None),
        ):
            answer = await front.call(method, target, sent)
            assert answer.status in (200, 201), answer.body
    return number


def all_granted(found: Site, started: int) -> None:
    """Assert that as many starts are on record as granted as clients were told, and that none is open."""
    recorded = [one for replica in found.replicas for one in replica.all_recorded()]
    granted = {
        one.records[Phase.OUTCOME]["startgate"]["job"]["id"]
        for one in recorded
        if Phase.INTENT in one.records and one.records[Phase.OUTCOME]["event"]["outcome"] == "success"
    }
    assert len(granted) == started
    assert not [one.receipt for one in recorded if one.open]
