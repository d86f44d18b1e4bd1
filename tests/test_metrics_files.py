"""The documents, the dashboard and the alert rules speak of metrics that exist; promtool reads what it can."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.admin.exposition import exposition
from proxy.admin.health import NEEDED, TOLD_BY_GATE
from proxy.admin.server import PATHS
from proxy.metrics.families import ALL, FAMILIES, Kind
from proxy.metrics.totals import add_up
from tests.admin.test_exposition import everything

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "metrics.md").read_text()
ALERTS = ROOT / "docs" / "alerts.yml"
DASHBOARDS = sorted((ROOT / "docs" / "grafana").glob("*.json"))
EXPOSED = {name: family for family in ALL for name in family.exposed}
PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed (Debian: apt-get install prometheus)"
)


def alert_rules() -> list[dict[str, Any]]:
    """Every alert rule."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions(value: Any) -> Iterator[str]:
    """Every expression in a dashboard, wherever it stands."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key in ("expr", "query") and isinstance(below, str):
                yield below
            else:
                yield from expressions(below)
    elif isinstance(value, list):
        for below in value:
            yield from expressions(below)


def all_expressions() -> list[str]:
    """Those of alerts and dashboards."""
    dashboards = [one for path in DASHBOARDS for one in expressions(json.loads(path.read_text()))]
    return [rule["expr"] for rule in alert_rules()] + dashboards


def test_every_metric_is_in_the_document_as_it_is() -> None:
    table = DOCUMENT.split("| metric | kind |", 1)[1].split("\n\n", 1)[0]
    told = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]
    wanted = [
        [
            f"`{family.name if family.kind is Kind.HISTOGRAM else family.exposed[0]}`",
            family.kind.value,
            ", ".join(f"`{label}`" for label in family.all_labels) or "none",
            family.help,
        ]
        for family in ALL
    ]
    assert told == wanted


def test_paths_and_checks_are_in_the_document() -> None:
    assert [path for path in PATHS if f"| `{path}` |" not in DOCUMENT] == []
    assert [name for name in (*NEEDED, "gate", *TOLD_BY_GATE) if f"| `{name}` |" not in DOCUMENT] == []


def test_alerts_and_dashboards_name_metrics_that_exist() -> None:
    found = all_expressions()
    assert len(found) > 40
    named = {name for one in found for name in re.findall(r"\bstartgate_\w+", one)}
    assert named - set(EXPOSED) == set()


def test_their_labels_exist() -> None:
    """A selector on a label that a metric does not have matches nothing, for ever, without a word."""
    for one in all_expressions():
        for name, selector in re.findall(r"\b(startgate_\w+)\{([^}]*)\}", one):
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)) - {"instance", "le"}
            assert labels <= set(EXPOSED[name].all_labels), one


def test_every_metric_is_on_the_dashboard() -> None:
    shown = " ".join(one for path in DASHBOARDS for one in expressions(json.loads(path.read_text())))
    missing = [family.name for family in ALL if not any(re.search(rf"\b{name}\b", shown) for name in family.exposed)]
    assert missing == []


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_panels_have_places_of_their_own(path: Path) -> None:
    panels = json.loads(path.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_alerts_say_what_is_wrong_and_how_bad_it_is() -> None:
    rules = alert_rules()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"].endswith(".")


@pytest.mark.parametrize(
    "metric",
    [
        "startgate_process_up",
        "startgate_journal_writable",
        "startgate_rules_last_reload_success",
        "startgate_sink_lag_seconds",
        "startgate_certificate_expiry_timestamp_seconds",
        "startgate_exceptions_used_total",
        "startgate_journal_records_total",
    ],
)
def test_what_must_not_stay_unseen_has_an_alert(metric: str) -> None:
    assert any(metric in rule["expr"] for rule in alert_rules())


@needs_promtool
def test_promtool_takes_the_alert_rules() -> None:
    run = subprocess.run([str(PROMTOOL), "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@needs_promtool
def test_promtool_takes_every_expression(tmp_path: Path) -> None:
    """Those of dashboards, with Grafana's variables filled in, as the rules of a file."""
    found = [one for path in DASHBOARDS for one in expressions(json.loads(path.read_text()))]
    filled = [
        one.replace("$__rate_interval", "5m").replace("$instance", ".*")
        for one in found
        if "startgate_" in one and "label_values" not in one
    ]
    rules = [{"record": f"shown:{number}", "expr": one} for number, one in enumerate(filled)]
    path = tmp_path / "shown.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}))
    run = subprocess.run([str(PROMTOOL), "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@needs_promtool
def test_promtool_finds_no_fault_in_names_and_text() -> None:
    body, _ = exposition(add_up([everything()], []), "text/plain")
    run = subprocess.run([str(PROMTOOL), "check", "metrics"], input=body, capture_output=True, check=False)
    assert run.returncode == 0, run.stdout.decode() + run.stderr.decode()


def test_names_are_looked_up_as_they_are_exposed() -> None:
    """The checks can fail: a counter without its ending is no name."""
    assert "startgate_requests" in FAMILIES
    assert "startgate_requests" not in EXPOSED
    assert "startgate_requests_total" in EXPOSED
