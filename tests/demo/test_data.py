"""What the demo works on."""

import json
from datetime import datetime

import pytest

from proxy.demo import data
from proxy.demo.data import ANNA, ARCHIVE, BEN, INDICES, SPRING, WINTER


def test_two_thousand_flights_with_their_origin_told() -> None:
    assert len(data.flights()) == 2000
    assert set(data.flights()[0]) == set(data.MAPPINGS["properties"])
    notice = data.FILE.with_name("NOTICE").read_text()
    assert "Bureau of Transportation Statistics" in notice
    assert "BSD-3-Clause" in notice


def test_every_flight_goes_into_one_index() -> None:
    assert data.count(WINTER) + data.count(SPRING) == 2000
    assert data.count(ARCHIVE) == 0
    assert data.count(WINTER) > 500


def test_dates_are_of_the_mapped_format() -> None:
    for flight in data.flights():
        datetime.strptime(flight["date"], "%Y/%m/%d %H:%M")  # noqa: DTZ007 -- the airports' local time


def test_bulk_lines_are_pairs_of_action_and_flight() -> None:
    lines = data.bulk_lines(WINTER).splitlines()
    assert len(lines) == 2 * data.count(WINTER)
    assert set(json.loads(lines[0])) == {"index"}
    assert json.loads(lines[1])["date"].startswith("2001/01")
    ids = [json.loads(line)["index"]["_id"] for line in lines[::2]]
    assert len(set(ids)) == len(ids)
    assert data.bulk_lines(ARCHIVE) == b""


def test_the_sources_differ_in_shape_and_the_archive_in_its_mapping() -> None:
    assert (WINTER.shards, WINTER.replicas) != (SPRING.shards, SPRING.replicas)
    assert WINTER.mappings == SPRING.mappings
    assert WINTER.mappings["properties"]["origin"] != ARCHIVE.mappings["properties"]["origin"]
    assert WINTER.body()["settings"] == {"number_of_shards": 2, "number_of_replicas": 0}


def test_jobs_copy_into_the_one_destination() -> None:
    job = data.job(WINTER, SPRING)
    assert job["source"]["index"] == ["flights-winter", "flights-spring"]
    assert job["dest"]["index"] == data.DESTINATION
    mixed = data.job(WINTER, ARCHIVE, destination=data.MIXED_DESTINATION)
    assert mixed["dest"]["index"].startswith(data.DESTINATION), "it must be refused for its mappings alone"


@pytest.mark.parametrize(("person", "may"), [(ANNA, True), (BEN, False)])
def test_one_may_write_the_destination_and_one_may_not(person: data.Person, may: bool) -> None:
    names = [name for group in person.role["indices"] for name in group["names"]]
    assert any(name.startswith(data.DESTINATION) for name in names) is may
    assert person.role["cluster"] == ["manage_ml", "monitor"], "Elasticsearch itself asks for the first alone"


def test_nobody_of_the_demo_may_do_everything() -> None:
    for role in (*(person.role for person in data.PEOPLE), data.SERVICE_ROLE):
        for group in role["indices"]:
            assert "all" not in group["privileges"]
            assert set(group["names"]) <= {index.name for index in INDICES} | {f"{data.DESTINATION}*"}
