"""Situations and rules made up at random, from few names, so that they have to do with each other."""

from typing import Any

from hypothesis import strategies as st

from proxy.model import Identity, Job, Owner, OwnerKind, SourceFilter
from proxy.privileges import Held
from proxy.rules.situation import Request, RunningJob, Situation, SourceName, Target, Unknown
from proxy.rules.subjects import Subject

TEXTS = st.sampled_from(["", "a", "é", "日本", "a b", '"', "x" * 30])
NAMES = st.sampled_from(["a", "a-1", "a-*", "b", "logs-x", "*", "-a", "_all", "hr"])
ROLES = st.lists(st.sampled_from(["r1", "r2", "dpo"]), max_size=2, unique=True).map(tuple)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
UNKNOWN = TEXTS.map(Unknown)

identities = st.builds(
    Identity,
    username=st.sampled_from(["ann", "bob", "kibana_system"]),
    roles=ROLES,
    realm=st.sampled_from(["native1", "reserved"]),
    realm_type=st.sampled_from(["native", "reserved"]),
    lookup_realm=st.sampled_from(["native1", "reserved", ""]),
    authentication_type=st.sampled_from(["realm", "token", "api_key"]),
    api_key_id=st.none() | st.just("k1"),
    api_key_name=st.none() | TEXTS,
    asked_to_run_as=st.booleans(),
)
owners = st.one_of(
    st.builds(Owner, kind=st.just(OwnerKind.ROLES), roles=ROLES),
    st.builds(Owner, kind=st.just(OwnerKind.API_KEY), api_key_id=TEXTS, api_key_name=st.none() | TEXTS),
    st.builds(Owner, kind=st.just(OwnerKind.SERVICE_ACCOUNT), service_account=st.just("elastic/x")),
    st.just(Owner(kind=OwnerKind.UNKNOWN)),
)
PRIVILEGES = st.dictionaries(
    st.sampled_from(["read", "view_index_metadata", "create_index", "manage", "index"]), st.booleans()
)
held = st.builds(
    Held,
    cluster=st.dictionaries(st.sampled_from(["manage_ml", "monitor"]), st.booleans()),
    index=st.dictionaries(NAMES | st.just("dest"), PRIVILEGES, max_size=3),
)


@st.composite
def jobs(draw: st.DrawFn, *, odd: bool = True) -> Job:
    """A job; `odd` ones have what no cluster gives besides."""
    sources = tuple(draw(st.lists(NAMES, min_size=1, max_size=3)))
    destination, owner = draw(st.sampled_from(["dest", "b"])), draw(owners)
    settings = draw(st.dictionaries(TEXTS, JSON, max_size=2))
    config: dict[str, Any] = {
        "id": "job-1",
        "create_time": 7,
        "version": "12.0.0",
        "description": draw(TEXTS),
        "source": {"index": list(sources), "query": draw(st.sampled_from([{"match_all": {}}, {"term": {"a": 1}}]))},
        "dest": {"index": destination, "results_field": "ml"},
        "analysis": {"regression": settings},
        "model_memory_limit": draw(st.sampled_from(["1gb", "512mb", "?"])),
        "max_num_threads": draw(st.integers(1, 3)),
    }
    if odd:
        config |= draw(st.dictionaries(st.sampled_from(["_meta", "source", "authorization", "x"]), JSON, max_size=2))
    return Job(
        id="job-1",
        create_time=draw(st.integers(0, 2**41)),
        version="12.0.0",
        sources=sources,
        source_filter=SourceFilter(includes=tuple(draw(st.lists(TEXTS, max_size=2)))),
        runtime_mappings=draw(st.dictionaries(TEXTS, JSON, max_size=1)) if odd else {},
        destination=destination,
        results_field="ml",
        analysis="regression",
        analysis_settings=settings,
        owner=owner,
        config=config,
    )


running = st.builds(
    RunningJob,
    id=st.sampled_from(["j1", "j2"]),
    analysis=st.just("regression"),
    sources=st.lists(NAMES, max_size=2).map(tuple),
    destination=st.just("d"),
    model_memory_limit_bytes=st.integers(0, 2**40),
    owner_roles=ROLES,
)
sources = st.builds(
    SourceName,
    name=st.sampled_from(["a", "a-1", "hr-1", ".ds-logs-x-1"]),
    data_stream=st.none() | st.just("logs-x"),
    aliases=st.lists(NAMES, max_size=1).map(tuple),
)
requests = st.builds(
    Request,
    peer=TEXTS,
    forwarded_for=st.lists(TEXTS, max_size=2).map(tuple),
    user_agent=TEXTS,
    opaque_id=TEXTS,
    timeout_s=st.sampled_from([20.0, 0.5, -1.0]),
)
situations = st.builds(
    Situation,
    caller=identities,
    secondary=st.none() | identities,
    job=jobs(),
    request=requests,
    now_ms=st.integers(0, 2**41),
    held=st.dictionaries(st.sampled_from(Subject), held | UNKNOWN),
    sources=st.none() | UNKNOWN | st.lists(sources, max_size=2).map(tuple),
    target=st.none() | UNKNOWN | st.builds(Target, name=st.none() | NAMES, aliases=st.just(())),
    running=st.none() | UNKNOWN | st.lists(running, max_size=2).map(tuple),
    cluster_version=st.none() | st.sampled_from([(7, 17), (8, 15), (9, 1)]),
)
