"""The rules load, and do what their cases say."""

from pathlib import Path

import pytest

from proxy.errors import RulesError
from proxy.rules.load import load
from proxy.starter.model import Wish
from proxy.starter.rules import plain, rules
from tests.commands.running import invoke
from tests.starter.made import SHIPPED, put

NODES = ("http://127.0.0.1:9200",)


def test_by_the_cluster_they_are_the_shipped_ones(tmp_path: Path) -> None:
    folder = put(tmp_path, rules(Wish(nodes=NODES), SHIPPED))
    assert load(folder / "rules").revision == load(SHIPPED).revision
    assert (folder / "rules/start.yml").read_text().startswith("# yaml-language-server: $schema=rules.schema.json\n")


def test_by_roles_they_are_sealed_and_ask_role_files(tmp_path: Path) -> None:
    wish = Wish(nodes=NODES, authority="roles", sources=("a-*", "b?"), destinations=("out*",))
    found = load(put(tmp_path, rules(wish, SHIPPED)) / "rules")
    assert (str(found.authority), found.trusted, list(found.roles)) == ("roles", (), ["starter"])
    assert found.roles["starter"].role.indices[0].names == ("a-*", "b?")


@pytest.mark.parametrize("authority", ["cluster", "roles"])
def test_their_cases_pass(tmp_path: Path, authority: str) -> None:
    wish = Wish(nodes=NODES, authority=authority, sources=("a-*", "b?"), destinations=("out*",))
    folder = put(tmp_path, rules(wish, SHIPPED))
    told = invoke("test", str(folder / "rules"))
    assert told.exit_code == 0, told.output
    assert " 0 failed, 0 skipped" in told.output


def test_shipped_rules_that_were_changed_are_not_guessed_at(tmp_path: Path) -> None:
    for path in SHIPPED.glob("*.*"):
        (tmp_path / path.name).write_text(path.read_text().replace("- kibana_system", "- somebody"))
    with pytest.raises(RulesError, match="not as it was shipped"):
        rules(Wish(nodes=NODES, authority="roles"), tmp_path)


def test_names_that_patterns_cover() -> None:
    assert [plain(name) for name in ("flights-*", "a?b", "plain")] == ["flights-1", "a1b", "plain"]
