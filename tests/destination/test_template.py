"""The template for a destination that Elasticsearch makes anew."""

from proxy.destination.template import PRIORITY, remade_template
from tests.gate.fakes import made


def test_it_is_for_one_index_and_holds_settings_alone() -> None:
    template = remade_template(made(), {"index.codec": "best_compression", "index.number_of_shards": 2})
    assert template.name == "startgate-outliers"
    assert template.body == {
        "index_patterns": ["flights-out"],
        "priority": PRIORITY,
        "template": {"settings": {"index.codec": "best_compression", "index.number_of_shards": 2}},
        "_meta": {"created_by": "startgate", "analytics": "outliers"},
    }
