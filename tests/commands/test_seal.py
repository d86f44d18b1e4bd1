"""`startgate seal`."""

from pathlib import Path

import pytest

from proxy.errors import RulesError
from proxy.rules.load import load
from tests.commands.running import invoke
from tests.rules.samples import VALID
from tests.rules.texts import RICH, ROLES

FLOWS = VALID + "  flows: [{from: [a], to: [b]}]\n"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with rules that must be sealed, and are not."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "start.yml").write_text(RICH)
    (folder / "roles.yml").write_text(ROLES)
    (folder / "a.yml").write_text("version: 1\n")
    return folder


def test_rules_are_sealed_and_then_load(rules: Path) -> None:
    with pytest.raises(RulesError, match="`seal` is missing"):
        load(rules)
    assert invoke("seal", "--check", str(rules)).exit_code == 1
    result = invoke("seal", str(rules))
    loaded = load(rules)
    assert (result.exit_code, result.output) == (0, f"sealed: {rules / 'start.yml'} (seal: {loaded.seal})\n")
    assert (rules / "start.yml").read_text() == RICH.replace("version: 1\n", f'version: 1\nseal: "{loaded.seal}"\n')
    for arguments in (["seal", str(rules)], ["seal", "--check", str(rules)]):
        assert invoke(*arguments).output == f"sealed: {loaded.seal}\n"


def test_a_change_must_be_sealed_anew(rules: Path) -> None:
    invoke("seal", str(rules))
    file = rules / "start.yml"
    file.write_text(file.read_text().replace("max_num_threads > 8", "max_num_threads > 9"))
    with pytest.raises(RulesError, match=r"start\.yml:2:7: the seal does not fit"):
        load(rules)
    assert "does not fit: " in invoke("seal", "--check", str(rules)).output
    invoke("seal", str(rules))
    assert load(rules).seal


def test_the_rules_of_the_configuration_where_nothing_is_named(rules: Path, tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("rules: rules\n")
    assert invoke("seal").exit_code == 0
    assert load(rules).seal


def test_plain_rules_need_none(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(VALID)
    assert invoke("seal", str(tmp_path)).output == "sealed: these rules need no seal\n"
    assert (tmp_path / "a.yml").read_text() == VALID


def test_wrong_rules_are_not_sealed(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(FLOWS.replace("from", "form"))
    result = invoke("seal", str(tmp_path))
    assert result.exit_code == 2
    assert "unknown key `form` (did you mean 'from'?)" in result.stderr


def test_a_file_without_a_place_for_it_is_left_alone(tmp_path: Path) -> None:
    require = "{cluster: [manage_ml], source: [read, view_index_metadata], destination: [all]}"
    flat = f"{{version: 1, start_data_frame_analytics: {{require: {require}}}}}\n"
    (tmp_path / "a.yml").write_text(flat)
    result = invoke("seal", str(tmp_path))
    assert result.exit_code == 2
    assert (tmp_path / "a.yml").read_text() == flat
