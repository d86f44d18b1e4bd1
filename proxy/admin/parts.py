"""What the areas of the admin port are made from: one of each for the process."""

from collections.abc import Callable
from dataclasses import dataclass

from proxy.admin.access.acts import Acts
from proxy.admin.access.door import Door
from proxy.admin.server import Admin
from proxy.cluster.transport import Transport
from proxy.control.client import Control
from proxy.metrics.collector import Collector
from proxy.metrics.snapshot import Snapshot, Telling
from proxy.settings import AdminSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """`control` asks the gate; `cluster` sends calls to the cluster, with a viewer's own credentials; `admin` tells of
    metrics and health, `own` of this process; `door.still_allowed` says whether a viewer may still see what lasts."""

    settings: AdminSettings
    collector: Collector
    control: Control
    cluster: Transport
    door: Door
    acts: Acts
    admin: Admin
    own: Callable[[Callable[[Telling], None]], Snapshot]
