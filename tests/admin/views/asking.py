"""Viewers, and everything that they may ask for: a cluster, a gate, and the views over both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy.admin.api import Role, Viewer
from proxy.admin.views.plan import PlanView
from proxy.admin.views.rules import RulesView
from proxy.settings import ClusterTls
from tests.stack import SHIPPED_RULES, Stack, whole

JOB = {"source": {"index": "flights"}, "dest": {"index": "flights-ml"}, "analysis": {"outlier_detection": {}}}
READER = Viewer(name="carol", realm="native1", role=Role.READ)
WRITER = Viewer(name="carol", realm="native1", role=Role.WRITE)
OPERATOR = Viewer(name="root", realm="startgate:socket", role=Role.WRITE)
PEER = "192.0.2.7:4711"


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts."""

    stack: Stack
    plan: PlanView
    rules: RulesView

    def viewer(self, name: str, *roles: str, role: Role = Role.OWN) -> Viewer:
        """A user of the cluster who is signed in."""
        return Viewer(
            name=name, realm="native1", role=role, authorization=self.stack.cluster.add_user(name, "s3cret-word", roles)
        )

    async def job(self, id: str = "outliers", index: str = "flights") -> None:
        """Make a job and its source."""
        await self.stack.call("PUT", f"/{index}/_doc/1?refresh=true", {"distance": 1.5}, direct=True)
        await self.stack.call("PUT", f"/{index}/_doc/2?refresh=true", {"distance": 2.5}, direct=True)
        await self.stack.ok("PUT", f"/_ml/data_frame/analytics/{id}", {**JOB, "source": {"index": index}})


@asynccontextmanager
async def asked(folder: Path, rules: Path = SHIPPED_RULES, *, job_pace_s: float = 0.0) -> AsyncIterator[Asked]:
    """All of it, in one process."""
    async with whole(folder, job_pace_s=job_pace_s, rules=rules) as stack:
        plan = PlanView((stack.cluster.url,), ClusterTls(), folder / "gate.sock")
        try:
            yield Asked(stack, plan, RulesView(folder / "control.sock"))
        finally:
            await plan.close()
