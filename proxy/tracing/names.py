"""Every span and attribute that Startgate sends, with what it means: docs/tracing.md is held to this table.

Names that OpenTelemetry's conventions have are theirs (HTTP spans, database spans, Elasticsearch, resources); the rest
begins with `startgate.`.
"""

from collections.abc import Mapping

ROUTE = "/_ml/data_frame/analytics/{id}/_start"
EDGE = "edge"
# HTTP server spans are named by method and route.
START = f"POST {ROUTE}"

SPANS: Mapping[str, str] = {
    START: "a start, a plan or an explanation, from its head to its answer (kind server)",
    EDGE: "at the edge, from the start's head until the gate has it, with the wait for room there; to the millisecond",
    "identify": "who asks, for which job",
    "authorise": "what the rules ask, and the verdict",
    "read sources": "sources, destination and index templates, beside `authorise`",
    "plan": "the destination, from what was read",
    "foretell": "what the cluster would say of creating it; of a plan",
    "wait": "for another start of the job, or for all others where a guard looks at running jobs",
    "record intent": "until the intent is on the disk",
    "prepare": "the destination is created, and the job looked at once more",
    "forward": "the start itself",
    "clean up": "a destination is removed whose start came to nothing",
    "record outcome": "until the outcome is on the disk",
    "look again": "whether what was started is what was judged; after the answer",
}
# Of the span of a start.
OF_A_START: Mapping[str, str] = {
    "http.request.method": "`POST`",
    "http.route": "`/_ml/data_frame/analytics/{id}/_start`",
    "url.scheme": "`http`: between edge and gate",
    "url.path": "the path as it came, without its query",
    "http.response.status_code": "what the client was answered with",
    "error.type": "that status, from 500 on: only then is the span an error",
    "startgate.receipt": "the answer's `X-Startgate-Receipt`, which names the records",
    "startgate.kind": "`start`, `plan` or `explain`",
    "startgate.job.id": "the job, where it could be read",
    "startgate.verdict": "`granted`, `denied`, `refused`, `planned`, `explained` or `unknown`, as metrics have it",
    "startgate.rules.revision": "revision of the rules that judged",
    "startgate.cluster.status": "what the cluster answered to the start itself",
    "startgate.destination.created": "whether the destination was created",
}
# Of the span of a step.
OF_A_STEP: Mapping[str, str] = {
    "startgate.refused.status": "the status of the refusal that ended it",
    "error.type": "that status from 500 on, or the class of the error that ended it",
}
# Of the span of a call to the cluster.
OF_A_CALL: Mapping[str, str] = {
    "db.system.name": "`elasticsearch`",
    "db.operation.name": "the endpoint, as in Elasticsearch's API specification, such as `indices.create`",
    "db.operation.parameter.<key>": "what stands in the path, such as `id` or `index`",
    "db.collection.name": "the index, or several joined by commas",
    "db.response.status_code": "the status, as a text",
    "db.namespace": "the cluster, where Elastic Cloud tells it",
    "elasticsearch.node.name": "the node, where Elastic Cloud tells it",
    "http.request.method": "the method",
    "http.response.status_code": "the status, as a number",
    "url.full": "the address that was asked, cut at 1,024 characters",
    "server.address": "host of the node",
    "server.port": "and its port",
    "error.type": "the status from 400 on, but for 404 to a question; or the class of the error that ended it",
}
# Of all spans together.
RESOURCE: Mapping[str, str] = {
    "service.name": "`startgate`",
    "service.version": "its version",
    "service.instance.id": "random, of each gate's process",
    "host.name": "name of the machine",
    "process.pid": "the gate's process",
}
