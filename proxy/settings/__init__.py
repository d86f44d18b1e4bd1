"""What a process is told when it starts: plain values, made by `config`, carried to each process as JSON.

Every limit has its unit in its name, a default, and the reason for it beside it.

- `listening`  where is listened, and how nodes are connected to
- `edge`       what an edge worker needs
- `gate`       what the gate needs
- `identity`   who asks, where Startgate says it and not the cluster
- `journal`    the journal, what is masked in it, and where copies of it go
- `admin`      what the admin process needs
"""

from proxy.settings.admin import AccessRule, AdminAccess, AdminLimits, AdminPort, AdminSettings, AdminToken
from proxy.settings.edge import EdgeLimits, EdgeSettings, Forwarded
from proxy.settings.gate import GateLimits, GateSettings
from proxy.settings.identity import CertificateNames, IdentityLimits, IdentitySettings, TrustedHeader
from proxy.settings.journal import JournalSettings, Masking, ShipLimits, Sinks, StreamSink, SyslogSink, WebhookSink
from proxy.settings.listening import ClusterTls, Listen, ListenTls

__all__ = [
    "AccessRule",
    "AdminAccess",
    "AdminLimits",
    "AdminPort",
    "AdminSettings",
    "AdminToken",
    "CertificateNames",
    "ClusterTls",
    "EdgeLimits",
    "EdgeSettings",
    "Forwarded",
    "GateLimits",
    "GateSettings",
    "IdentityLimits",
    "IdentitySettings",
    "JournalSettings",
    "Listen",
    "ListenTls",
    "Masking",
    "ShipLimits",
    "Sinks",
    "StreamSink",
    "SyslogSink",
    "TrustedHeader",
    "WebhookSink",
]
