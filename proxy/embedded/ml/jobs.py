"""The jobs of one embedded cluster: configuration, owner, state and progress."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.embedded.core.texts import matches
from proxy.embedded.failure import not_found
from proxy.embedded.ml.config import source_filter
from proxy.embedded.security.identity import Subject
from proxy.model import Job as JobValues
from proxy.model import Owner, OwnerKind, Stage

_PHASES: Mapping[str, tuple[str, ...]] = {
    "outlier_detection": ("reindexing", "loading_data", "computing_outliers", "writing_results"),
    "supervised": (
        "reindexing",
        "loading_data",
        "feature_selection",
        "coarse_parameter_search",
        "fine_tuning_parameters",
        "final_training",
        "writing_results",
        "inference",
    ),
}


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One job. `config` is shown from `id` on; `progress` is percent by phase; `task` runs while it is started.

    `owner` is the subject whose stored credentials it runs with, None on a cluster without security."""

    config: dict[str, Any]
    create_time: int
    version: str
    owner: Subject | None
    state: str = "stopped"
    failure_reason: str | None = None
    progress: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    peak_bytes: int = 0
    task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        """Begin with nothing done."""
        self.counts = {"training_docs_count": 0, "test_docs_count": 0, "skipped_docs_count": 0}
        self.progress = dict.fromkeys(_PHASES.get(self.analysis, _PHASES["supervised"]), 0)

    @property
    def id(self) -> str:
        """The job's id."""
        return str(self.config["id"])

    @property
    def analysis(self) -> str:
        """The name of the analysis."""
        return str(next(iter(self.config["analysis"])))

    @property
    def settings(self) -> Mapping[str, Any]:
        """What is set under the analysis."""
        found: Mapping[str, Any] = self.config["analysis"][self.analysis]
        return found

    @property
    def sources(self) -> tuple[str, ...]:
        """The source expressions."""
        return tuple(self.config["source"]["index"])

    @property
    def destination(self) -> str:
        """The destination index."""
        return str(self.config["dest"]["index"])

    @property
    def dependent(self) -> str | None:
        """The field to be predicted, where the analysis has one."""
        return self.settings.get("dependent_variable")

    def stage(self) -> Stage:
        """What a start would do, told from the progress (`DataFrameAnalyticsTask.determineStartingState`)."""
        for phase, percent in self.progress.items():
            if percent < 100:
                if phase != "reindexing":
                    return Stage.RESUMING_ANALYZING
                return Stage.RESUMING_REINDEXING if percent else Stage.FIRST_TIME
        return Stage.FINISHED

    def values(self) -> JobValues:
        """The job as the destination's rules take it."""
        source = self.config["source"]
        return JobValues(
            id=self.id,
            create_time=self.create_time,
            version=self.version,
            sources=self.sources,
            source_filter=source_filter(self.config),
            runtime_mappings=source.get("runtime_mappings", {}),
            destination=self.destination,
            results_field=self.config["dest"]["results_field"],
            analysis=self.analysis,
            analysis_settings=self.settings,
            owner=Owner(kind=OwnerKind.UNKNOWN),
            config=self.config,
        )

    def json(self, *, generated: bool = True) -> dict[str, Any]:
        """As GET shows it; without what the cluster added where it is for export."""
        shown: dict[str, Any] = {"id": self.id}
        if generated:
            shown |= {"create_time": self.create_time, "version": self.version}
            if self.owner is not None and shows_owner(self.version):
                shown["authorization"] = self.owner.authorization()
        return shown | {name: self.config[name] for name in _SHOWN if name in self.config}


def shows_owner(version: str) -> bool:
    """Whether a configuration of this version tells whose credentials a job runs with: since 8.1."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return (major, minor) >= (8, 1)


_SHOWN = (
    "description",
    "source",
    "dest",
    "analysis",
    "analyzed_fields",
    "model_memory_limit",
    "allow_lazy_start",
    "max_num_threads",
    "_meta",
)


class Jobs:
    """All jobs by id, and what is true for all of them.

    `pace_s` is waited at every step of a running job; `nodes` is how many nodes could run one; `memory_cap` is
    `xpack.ml.max_model_memory_limit`; `notes` is whether notifications are written.
    """

    def __init__(
        self, *, pace_s: float = 0.0, nodes: int = 1, memory_cap: str | None = None, notes: bool = False
    ) -> None:
        self.by_id: dict[str, Job] = {}
        self.pace_s = pace_s
        self.nodes = nodes
        self.memory_cap = memory_cap
        self.notes = notes

    def expand(self, expression: str, *, allow_no_match: bool = True) -> list[Job]:
        """The jobs that an expression names, by id. Raises `Failure` 404 for an id that is not there, and for
        patterns that match nothing unless that is allowed (`ExpandedIdsMatcher`)."""
        parts = [part for part in expression.split(",") if part] or ["*"]
        found: dict[str, Job] = {}
        for part in parts:
            pattern = "*" if part == "_all" else part
            matching = {id_: job for id_, job in self.by_id.items() if matches(pattern, id_)}
            if not matching and ("*" not in pattern or not allow_no_match):
                raise not_found(f"No known data frame analytics with id [{expression}]")
            found |= matching
        return [found[id_] for id_ in sorted(found)]

    async def close(self) -> None:
        """Stop everything that runs."""
        running: Sequence[asyncio.Task[None]] = [job.task for job in self.by_id.values() if job.task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
