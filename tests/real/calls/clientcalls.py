"""The calls that programs make through the official client."""

from collections.abc import Callable

from tests.real.calls.client import Client, ClientCall, Steps

TOOK = r'"took":\d+'


def scroll(es: Client) -> Steps:
    """Two pages of a scroll, then its end."""
    page = yield es.search(index="books", scroll="1m", size=10, sort="pages", source=False)
    page = yield es.scroll(scroll_id=page["_scroll_id"], scroll="1m")
    yield es.clear_scroll(scroll_id=page["_scroll_id"])


def point_in_time(es: Client) -> Steps:
    """Two pages by search_after in a point in time."""
    opened = yield es.open_point_in_time(index="books", keep_alive="1m")
    pit = {"id": opened["id"], "keep_alive": "1m"}
    page = yield es.search(pit=pit, size=10, sort=[{"pages": "asc"}], source=False)
    last = page["hits"]["hits"][-1]["sort"]
    yield es.search(pit=pit, size=10, sort=[{"pages": "asc"}], source=False, search_after=last)
    yield es.close_point_in_time(id=page["pit_id"])


def write_and_read(es: Client) -> Steps:
    """A document's life: made, refreshed, found, updated under its sequence number, deleted."""
    made = yield es.index(index="shelf", id="n", document={"title": "new", "pages": 5}, refresh=True)
    yield es.search(index="shelf", query={"term": {"pages": 5}}, filter_path="hits")
    yield es.update(
        index="shelf", id="n", doc={"pages": 6}, if_seq_no=made["_seq_no"], if_primary_term=made["_primary_term"]
    )
    yield es.delete(index="shelf", id="n", refresh=True)
    yield es.exists(index="shelf", id="n")


def bulk(es: Client) -> Steps:
    """A mixed bulk, with one that fails."""
    operations = [
        {"index": {"_id": "8"}},
        {"pages": 8},
        {"create": {"_id": "1"}},
        {},
        {"update": {"_id": "2"}},
        {"doc": {"pages": 2}},
    ]
    yield es.bulk(index="shelf", operations=operations, refresh=True, filter_path="errors,items")


def big_bulk(es: Client) -> Steps:
    """Half a megabyte up."""
    operations = [part for at in range(100) for part in ({"index": {"_id": str(at)}}, {"note": "y" * 5000})]
    yield es.bulk(index="shelf", operations=operations, filter_path="errors,items.*.status")


def index_life(es: Client) -> Steps:
    """An index made, changed, closed, opened, deleted."""
    yield es.indices.create(index="shelf-made", settings={"number_of_replicas": 0}, mappings={"dynamic": "strict"})
    yield es.indices.put_mapping(index="shelf-made", properties={"a": {"type": "keyword"}})
    yield es.indices.put_settings(index="shelf-made", settings={"refresh_interval": "5s"})
    yield es.indices.put_alias(index="shelf-made", name="ledge")
    yield es.indices.exists_alias(name="ledge")
    yield es.indices.add_block(index="shelf-made", block="write")
    yield es.indices.close(index="shelf-made")
    yield es.indices.open(index="shelf-made")
    yield es.indices.delete(index="shelf-made")
    yield es.indices.exists(index="shelf-made")


def msearch(es: Client) -> Steps:
    """Two searches in one."""
    searches = [{"index": "books"}, {"size": 1, "query": {"match": {"title": "green"}}}, {}, {"size": 0}]
    yield es.msearch(index="books", searches=searches)


def one(name: str, call: Callable[[Client], object], *volatile: str) -> ClientCall:
    """A call that changes nothing."""

    def steps(es: Client) -> Steps:
        yield call(es)

    return ClientCall(name, steps, volatile=volatile)


CLIENT_CALLS = (
    one("info", lambda es: es.info()),
    one("ping", lambda es: es.ping()),
    one("health", lambda es: es.cluster.health(index="books", wait_for_status="green", filter_path="status,timed_out")),
    one("state", lambda es: es.cluster.state(metric="metadata", index="books")),
    one("search", lambda es: es.search(index="books", query={"match": {"title": "blue"}}), TOOK),
    one("search, large", lambda es: es.search(index="books", size=24, sort="pages"), TOOK),
    one("search, missing", lambda es: es.search(index="missing")),
    one("search, invalid", lambda es: es.search(index="books", query={"nonsense": {}})),
    one("count", lambda es: es.count(index="books", query={"range": {"pages": {"gt": 150}}})),
    one("get", lambda es: es.get(index="books", id="4", source_excludes="note")),
    one("get, missing", lambda es: es.get(index="books", id="none")),
    one("get, escaped id", lambda es: es.get(index="books", id="a/b c+d%é?#")),
    one("exists", lambda es: es.exists(index="books", id="4")),
    one("multi get", lambda es: es.mget(index="books", ids=["1", "none"])),
    one("mapping", lambda es: es.indices.get_mapping(index="books,empty-*")),
    one("settings", lambda es: es.indices.get_settings(index="books", include_defaults=True, flat_settings=True)),
    one("aliases", lambda es: es.indices.get_alias(index="books")),
    one("index exists", lambda es: es.indices.exists(index="library")),
    one("analyze", lambda es: es.indices.analyze(analyzer="standard", text=["a b", "c"])),
    one("field caps", lambda es: es.field_caps(index="books", fields="*", include_unmapped=True)),
    one("resolve", lambda es: es.indices.resolve_index(name="*o*")),
    one("cat indices", lambda es: es.cat.indices(format="json", h="index,health", s="index")),
    one("cat text", lambda es: es.cat.shards(h="index,state", s="index")),
    one("explain", lambda es: es.explain(index="books", id="3", query={"match": {"title": "red"}})),
    one("validate", lambda es: es.indices.validate_query(index="books", q="pages:[", explain=True)),
    one("jobs, absent here", lambda es: es.ml.get_data_frame_analytics(id="x")),
    ClientCall("multi search", msearch, volatile=(TOOK,)),
    ClientCall("scroll", scroll, volatile=(TOOK, r'"_scroll_id":"[^"]*"')),
    ClientCall("point in time", point_in_time, volatile=(TOOK, r'"(pit_)?id":"[^"]{40,}"')),
    ClientCall("document's life", write_and_read, writes=True),
    ClientCall("bulk", bulk, writes=True, volatile=(r'"index_uuid":"[^"]*"',)),
    ClientCall("big bulk", big_bulk, writes=True),
    ClientCall("index's life", index_life, writes=True),
)
