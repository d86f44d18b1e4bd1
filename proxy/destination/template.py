"""A composable index template that gives a destination its settings whenever Elasticsearch itself makes it anew."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.model import Job

# Of the templates that match an index only the one of the highest priority counts; two of the same cannot both match.
PRIORITY = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`body` is for `PUT _index_template/<name>`."""

    name: str
    body: Mapping[str, Any] = field(repr=False)


def remade_template(job: Job, settings: Mapping[str, Any]) -> Template:
    """The template for the destination of this job alone, with the settings that were planned for it.

    No mappings: Elasticsearch brings those along, and what is in its own request wins over a template.
    """
    body = {
        "index_patterns": [job.destination],
        "priority": PRIORITY,
        "template": {"settings": dict(settings)},
        "_meta": {"created_by": "startgate", "analytics": job.id},
    }
    return Template(name=f"startgate-{job.id}", body=body)
