"""Which generation of behaviour a version has."""

import pytest

from proxy.destination.era import Era, is_outdated, meta_version, parse_version


@pytest.mark.parametrize(
    ("version", "era"),
    [
        ("7.3.0", Era.SORTED_COPY),
        ("7.9.3", Era.SORTED_COPY),
        ("7.10.0", Era.SHARDS_ONLY),
        ("7.17.24", Era.SHARDS_ONLY),
        ("8.5.3", Era.SHARDS_ONLY),
        ("8.6.0", Era.ALLOW_LIST),
        ("8.15.3-SNAPSHOT", Era.ALLOW_LIST),
        ("9.1.0", Era.ALLOW_LIST),
        ("10.0.0", Era.ALLOW_LIST),
    ],
)
def test_era_of_a_version(version: str, era: Era) -> None:
    assert Era.of(version) is era


@pytest.mark.parametrize("text", ["", "8", "8.15", "8.15.x", "v8.15.3", "8.15.3.1", "8.15.3 ", "8888.1.1"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version number"):
        parse_version(text)


@pytest.mark.parametrize("version", ["6.8.23", "7.2.1"])
def test_versions_without_data_frame_analytics(version: str) -> None:
    with pytest.raises(ValueError, match="has no data frame analytics"):
        Era.of(version)


@pytest.mark.parametrize(
    ("era", "job", "cluster", "expected"),
    [
        # Up to 8.9 the cluster writes its own version, whatever the job's.
        (Era.SHARDS_ONLY, "7.10.2", "7.17.24", "7.17.24"),
        (Era.ALLOW_LIST, "7.6.0", "8.9.2-SNAPSHOT", "8.9.2"),
        # From 8.10 the configuration version: the job's own, if it has one.
        (Era.ALLOW_LIST, "12.0.0", "8.15.3", "12.0.0"),
        (Era.ALLOW_LIST, "10.0.0", "9.1.0", "10.0.0"),
        (Era.ALLOW_LIST, "8.5.0", "8.15.3", "10.0.0"),
        (Era.ALLOW_LIST, "nonsense", "8.15.3", "10.0.0"),
        # Nothing known of the cluster: the job's own, unless Elasticsearch would throw the index away for it.
        (Era.ALLOW_LIST, "12.0.0", None, "12.0.0"),
        (Era.SHARDS_ONLY, "7.17.1", None, "7.17.1"),
        (Era.SHARDS_ONLY, "7.10.0-SNAPSHOT", None, "7.10.0"),
        (Era.SHARDS_ONLY, "7.6.2", None, "7.10.0"),
        (Era.SHARDS_ONLY, "", None, "7.10.0"),
        (Era.SORTED_COPY, "7.6.2", None, "7.6.2"),
    ],
)
def test_meta_version(era: Era, job: str, cluster: str | None, expected: str) -> None:
    assert meta_version(era, job, cluster) == expected


BY_ELASTICSEARCH = {"created_by": "data-frame-analytics"}


@pytest.mark.parametrize(
    ("meta", "outdated"),
    [
        (None, False),
        ({}, False),
        ({"created_by": "somebody", "version": {"created": "1.0.0"}}, False),
        (BY_ELASTICSEARCH, True),
        ({**BY_ELASTICSEARCH, "version": "7.10.0"}, True),
        ({**BY_ELASTICSEARCH, "version": {}}, True),
        ({**BY_ELASTICSEARCH, "version": {"created": "seven"}}, True),
        ({**BY_ELASTICSEARCH, "version": {"created": "7.9.3"}}, True),
        ({**BY_ELASTICSEARCH, "version": {"created": "7.10.0"}}, False),
        ({**BY_ELASTICSEARCH, "version": {"created": "12.0.0"}}, False),
    ],
)
def test_what_elasticsearch_makes_anew(meta: object, outdated: bool) -> None:
    assert is_outdated(meta) is outdated


def test_the_config_version_begins_with_8_10_and_the_oldest_good_one_is_good() -> None:
    for cluster in ("8.10.0", "8.10.1", "8.11.0"):
        assert meta_version(Era.ALLOW_LIST, "11.0.0", cluster) == "11.0.0"
        assert meta_version(Era.ALLOW_LIST, "10.0.0", cluster) == "10.0.0"
        assert meta_version(Era.ALLOW_LIST, "8.9.0", cluster) == "10.0.0"
    assert meta_version(Era.ALLOW_LIST, "12.0.0", "8.9.2") == "8.9.2"
