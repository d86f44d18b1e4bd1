"""The tables of keys of rule files: every key that exists, the form of its value, and what it means.

What is not here is refused. The meaning of values is the business of the module that reads each part.
"""

from proxy.rules.compiled import Authority, CreateAs, Mode, OnRefusedStart, SubjectKind
from proxy.rules.forms import Choice, Either, Fields, Key, Many, Moment, Named, One, SettingValue, Text

SECTION = "start_data_frame_analytics"
# Ids stand in answers, headers, metrics and file names: short, printable, and nothing to escape.
ID = r"[a-z0-9][a-z0-9._-]{0,63}"
SEAL = r"[0-9a-f]{12}"

_NAMES = Many(item=Text(), filled=True)

REQUIRE = Fields(
    {
        "cluster": Key(form=_NAMES, means="cluster privileges that the caller must hold", missing="`{}` is missing"),
        "source": Key(
            form=_NAMES,
            means="index privileges that each subject must hold on every source expression",
            missing="`{}` is missing",
        ),
        "destination": Key(
            form=_NAMES,
            means="index privileges that each subject must hold on the destination",
            missing="`{}` is missing",
        ),
    }
)

TRUSTED = Fields(
    {
        "username": Key(
            form=Text(),
            means="the user's name",
            missing="`{}` is missing: an intermediary is trusted by user name and realm",
        ),
        "realm": Key(
            form=Text(),
            means="the realm that authenticates the user",
            missing="`{}` is missing: an intermediary is trusted by user name and realm",
        ),
    }
)

DESTINATION = Fields(
    {
        "create_as": Key(
            form=Choice(of=CreateAs),
            means="with whose credentials the destination is created: `auto` takes those of the subject `data` where "
            "the request carries them, else the service credential",
            default="auto",
        ),
        "on_refused_start": Key(
            form=Choice(of=OnRefusedStart),
            means="what happens to the new index if Elasticsearch then refuses the start",
            default="remove",
        ),
        "settings": Key(
            form=Named(
                key="a pattern of destinations",
                value=Named(key="an index setting, from `index.` on", value=SettingValue(), filled=True),
            ),
            means="index settings laid over what is copied, by patterns of the destination's name; the later of two "
            "that match wins",
            default="{}",
        ),
    }
)

FLOW = Fields(
    {
        "from": Key(
            form=_NAMES,
            means="patterns of source names",
            missing="`{}` is missing: a flow says which sources may be copied where",
        ),
        "to": Key(
            form=_NAMES,
            means="patterns of destination names",
            missing="`{}` is missing: a flow says which sources may be copied where",
        ),
    }
)

GUARD = Fields(
    {
        "id": Key(
            form=Text(pattern=ID), means="its name, once in all rules", missing="`{}` is missing: a guard has one"
        ),
        "deny": Key(
            form=Text(),
            means="the condition, in CEL: where it is true, the guard speaks against the start",
            missing="`{}` is missing: the condition, in CEL, that speaks against a start",
        ),
        "message": Key(
            form=Text(),
            means="what the client is told: one line",
            missing="`{}` is missing: what the client is told when the guard denies",
        ),
        "mode": Key(
            form=Choice(of=Mode),
            means="`enforce` denies, `warn` adds a `Warning` header to the answer, `shadow` is only recorded",
            default="enforce",
        ),
    }
)

START = Fields(
    {
        "require": Key(form=REQUIRE, means="the privileges that must be held", missing="`{}` is missing"),
        "authority": Key(
            form=Choice(of=Authority),
            means="who says whether a subject holds a privilege: the cluster, the role files, or both of them",
            default="cluster",
        ),
        "subjects": Key(
            form=Many(item=Choice(of=SubjectKind), filled=True),
            means="of whom index privileges are asked: `data`, whom the data is for; `owner`, whose stored credentials "
            "the job runs with",
            default="[data]",
        ),
        "trusted_intermediaries": Key(
            form=Many(item=Either(forms=(Text(), TRUSTED))),
            means="callers that start jobs for somebody else without saying for whom, as Kibana does",
            default="[kibana_system, elastic/kibana]",
        ),
        "destination": Key(form=DESTINATION, means="how the destination is made"),
        "flows": Key(
            form=Many(item=FLOW, filled=True),
            means="which sources may be copied into which destinations; what no flow covers is denied",
            default="any source may go anywhere",
        ),
        "guards": Key(form=Many(item=GUARD), means="conditions that speak against a start", default="[]"),
    }
)

ROLE_MAPPING = Fields(
    {
        "grants": Key(
            form=_NAMES,
            means="names of roles of the role files",
            missing="`{}` is missing: the roles that the mapping gives",
        ),
        "users": Key(form=_NAMES, means="patterns of user names", default="anybody"),
        "roles": Key(form=_NAMES, means="patterns of the cluster's role names", default="anybody"),
        "realms": Key(form=_NAMES, means="patterns of realm names", default="any realm"),
        "api_keys": Key(
            form=_NAMES,
            means="patterns of names of API keys, beside `users`, who made them; no other mapping speaks of API keys",
            default="no API key",
        ),
    }
)

_SIGNED = "`{}` is missing: `startgate break-glass sign` prints a whole entry"
BREAK_GLASS = Fields(
    {
        "id": Key(form=Text(pattern=ID), means="its name, once in all rules", missing=_SIGNED),
        "from": Key(form=Moment(), means="from when on it counts", missing=_SIGNED),
        "until": Key(form=Moment(), means="when it ends by itself", missing=_SIGNED),
        "users": Key(form=_NAMES, means="patterns of the callers' names", missing=_SIGNED),
        "jobs": Key(form=_NAMES, means="patterns of the jobs' ids", missing=_SIGNED),
        "reason": Key(form=Text(), means="why; it is recorded", missing=_SIGNED),
        "signed_by": Key(form=Text(), means="the name of the public key in the configuration", missing=_SIGNED),
        "signature": Key(form=Text(), means="what `startgate break-glass sign` made of the above", missing=_SIGNED),
    }
)

FILE = Fields(
    {
        "version": Key(
            form=One(),
            means="the version of the language",
            missing="`{}` is missing; this version of Startgate reads `version: 1`",
        ),
        "seal": Key(
            form=Text(pattern=SEAL),
            means="a hash over what the rules mean, so that nothing in them is lost or spoilt unnoticed; `startgate "
            "seal` writes it",
        ),
        SECTION: Key(form=START, means="what a start is checked against"),
        "roles": Key(
            form=Many(item=Text()),
            means="role files in the format of Elasticsearch's `roles.yml`, relative to this file",
            default="[]",
        ),
        "role_mappings": Key(form=Many(item=ROLE_MAPPING), means="who has which roles of the role files", default="[]"),
        "break_glass": Key(
            form=Many(item=BREAK_GLASS),
            means="signed exceptions for an emergency, each for a time",
            default="[]",
        ),
    }
)

# Every table by the heading under which the documents list it.
TABLES = {
    "A rule file": FILE,
    f"`{SECTION}`": START,
    "`require`": REQUIRE,
    "`trusted_intermediaries`, where a name needs its realm": TRUSTED,
    "`destination`": DESTINATION,
    "`flows`": FLOW,
    "`guards`": GUARD,
    "`role_mappings`": ROLE_MAPPING,
    "`break_glass`": BREAK_GLASS,
}
