"""The questions, asked of a cluster that may refuse each of them."""

from proxy.doctor.ask import Asker, Told, at, each_node, facts, refused
from tests.doctor.cluster import FORBIDDEN, UNKNOWN, Patient, serving


async def test_all_is_asked_and_nothing_is_changed() -> None:
    patient = Patient(answers={"/_security/_authenticate": {"username": "a", "api_key": {"id": "k1"}}})
    patient.answers["/_security/api_key"] = {"api_keys": []}
    async with serving(patient):
        asker = Asker(patient.settings)
        told = await facts(asker, (patient.url,))
        await asker.close()
    assert told.reachable
    assert told.key is not None
    assert (told.key.status, told.stats.status, told.jobs.status) == (200, 200, 200)
    assert {method for method, _, _ in patient.asked} == {"GET"}


async def test_refusals_are_answers() -> None:
    refusing = dict.fromkeys(("/", "/_xpack", "/_nodes/http,settings", "/_ml/data_frame/analytics"), FORBIDDEN)
    async with serving(Patient(answers={**refusing, "/_security/_authenticate": UNKNOWN})) as patient:
        asker = Asker(patient.settings)
        told = await facts(asker, (patient.url, "http://127.0.0.1:9"))
        await asker.close()
    assert told.reachable
    away = told.roots["http://127.0.0.1:9"]
    assert (away.status, "Cannot connect" in away.why) == (0, True)
    assert (told.features.status, told.who.status, told.key) == (403, 401, None)
    assert "action is unauthorized" in told.features.why


async def test_dates_are_read_where_there_are_some() -> None:
    for header, date in (("Tue, 15 Nov 1994 08:12:31 GMT", 784887151.0), ("yesterday", None)):
        async with serving(Patient(headers={"Date": header})) as patient:
            asker = Asker(patient.settings)
            assert (await asker.root(patient.url)).date == date
            await asker.close()


async def test_an_anonymous_question_has_no_credential() -> None:
    async with serving(Patient()) as patient:
        asker = Asker(patient.settings)
        assert (await asker.root(patient.url, anonymous=True)).status == 200
        await asker.close()


def test_what_is_not_there_is_none() -> None:
    assert at({"a": {"b": 1}}, "a", "b") == 1
    assert at({"a": [1]}, "a", "b") is None
    assert at(None, "a") is None
    assert each_node(Told()) == []
    assert each_node(Told(content={"nodes": {"1": {"name": "b"}, "2": {"name": "a"}, "3": 7}})) == [
        {"name": "a"},
        {"name": "b"},
    ]


def test_why_something_is_not_known() -> None:
    assert refused(Told(status=403), "monitor") == "not known: who asks lacks the cluster privilege monitor"
    assert "cluster.service" in refused(Told(status=401), "monitor")
    assert refused(Told(why="no answer"), "monitor") == "not known: no answer"
    assert refused(Told(status=200), "monitor") == "not known: the answer does not say"
