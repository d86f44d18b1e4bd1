"""The configuration loads, and says what was wished for."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.config import load
from proxy.starter.certificates import certificates
from proxy.starter.config import config
from proxy.starter.files import files
from proxy.starter.model import Wish
from tests.starter.made import SHIPPED, put

WISH = Wish(nodes=("http://10.0.0.1:9200", "https://es.example.org:9200"))
ALL = list(itertools.product(("api-key", "user", "none"), ("cluster", "roles"), (True, False)))


@pytest.mark.parametrize(("service", "authority", "tls"), ALL)
def test_whatever_is_wished_loads(tmp_path: Path, service: str, authority: str, tls: bool) -> None:
    (tmp_path / "ca.pem").write_text(_any_certificate())
    wish = replace(WISH, service=service, authority=authority, tls=tls, workers=3, cluster_ca=str(tmp_path / "ca.pem"))
    folder = tmp_path / "made"
    found = load(put(folder, files(wish, SHIPPED)) / "startgate.yml", {})
    assert found.nodes == WISH.nodes
    assert (found.workers, found.sniffing, found.rules) == (3, "rewrite", str(folder / "rules"))
    assert found.journal == str(folder / "journal")
    assert (found.service is None) == (service == "none")
    assert (found.identity is None) == (authority == "cluster")
    (listen,) = found.listen
    assert (listen.tls is None) == (not tls)
    assert found.cluster_tls.ca == wish.cluster_ca


def _any_certificate() -> str:
    return certificates("localhost", "here", datetime.now(UTC))[0].content.decode()


def test_odd_words_stay_what_they_are(tmp_path: Path) -> None:
    odd = tmp_path / "it's: a #journal"
    wish = replace(WISH, service="none", journal=str(odd))
    assert load(put(tmp_path / "made", files(wish, SHIPPED)) / "startgate.yml", {}).journal == str(odd)


def test_every_section_says_why() -> None:
    lines = config(WISH).splitlines()
    assert sum(line.lstrip().startswith("#") for line in lines) >= 6
