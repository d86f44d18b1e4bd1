"""`destination.settings`: settings laid over what is copied."""

from typing import Any

import pytest

from proxy.rules.compiled import Origin, Override, Rules, Setting
from proxy.rules.overrides import overrides, settings_for
from proxy.rules.schema import compile_rules
from proxy.rules.source import Table, read
from proxy.rules.values import Values
from tests.rules.samples import VALID


def compiled(settings: str) -> tuple[Rules | None, list[str]]:
    """Rules and faults of a file that ends in this value of `destination.settings`, from line 9 on."""
    root, faults = read(f"{VALID}  destination:\n    settings:\n{settings}", "r.yml")
    assert root is not None, faults
    assert not faults
    rules, found = compile_rules({"r.yml": root})
    return rules, [str(fault) for fault in found]


def test_settings_by_pattern_with_their_places() -> None:
    rules, faults = compiled(
        '      "flights-*":\n'
        "        index.codec: best_compression\n"
        "        index.number_of_replicas: 0\n"
        "      flights-out: {index.lifecycle.name: ml}\n"
    )
    assert not faults
    assert rules is not None
    assert rules.overrides == (
        Override(
            "flights-*",
            (
                Setting("index.codec", "best_compression", Origin("r.yml", 10)),
                Setting("index.number_of_replicas", 0, Origin("r.yml", 11)),
            ),
        ),
        Override("flights-out", (Setting("index.lifecycle.name", "ml", Origin("r.yml", 12)),)),
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("1_000", 1000),
        ("9" * 20, 10**20 - 1),
        ("0.5", "0.5"),
        ("true", "true"),
        ("False", "false"),
        ('"true"', "true"),
        ('"1"', "1"),
        ("30s", "30s"),
        ("best_compression", "best_compression"),
        ("[a, b]", ("a", "b")),
        ("[]", ()),
    ],
)
def test_values_are_kept_as_they_are_meant(written: str, value: Any) -> None:
    rules, faults = compiled(f"      x: {{index.refresh_interval: {written}}}\n")
    assert not faults
    assert rules is not None
    assert rules.overrides[0].settings[0].value == value


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        ("      []\n", ["9:7: `settings` must be a mapping of index patterns, each with its settings"]),
        ("      a: [b]\n", ["9:10: `a` must be a mapping of settings, such as {index.codec: …}"]),
        ("      a: {}\n", ["9:10: `a` has no settings, so it would change nothing"]),
        (
            "      A-*: {index.codec: x}\n",
            ["9:7: `A-*` cannot be the name of an index; a pattern is lower case, and `*` its only wildcard"],
        ),
        (
            "      a,b: {index.codec: x}\n",
            ["9:7: `a,b` cannot be the name of an index; a pattern is lower case, and `*` its only wildcard"],
        ),
        (
            "      a: {codec: x}\n",
            [
                "9:11: `codec` is not an index setting; write it out, from `index.` on (did you mean `index.codec`?)",
            ],
        ),
        ("      a: {index: x}\n", ["9:11: `index` is not an index setting; write it out, from `index.` on"]),
        ("      a: {index.: x}\n", ["9:11: `index.` is not an index setting; write it out, from `index.` on"]),
        (
            '      a: {"index.a b": x}\n',
            ["9:11: `index.a b` is not an index setting; write it out, from `index.` on"],
        ),
        (
            "      a: {index.codec: {name: x}}\n",
            ["9:24: `index.codec` takes a value here, not a mapping; write each setting out, from `index.` on"],
        ),
        (
            "      a: {index.codec: yes}\n",
            ["9:24: `index.codec` takes text, but YAML reads `yes` as bool; put it in quotes"],
        ),
        (
            "      a: {index.codec: }\n",
            ["9:23: `index.codec` takes text, but YAML reads nothing as null; put it in quotes"],
        ),
        (
            "      a: {index.codec: [1]}\n",
            ["9:25: `index.codec` takes text, but YAML reads `1` as int; put it in quotes"],
        ),
        # All of them, not the first only.
        (
            "      a: {index.uuid: x, index.codec: [[]]}\n      b: 1\n",
            [
                "9:11: `index.uuid` cannot be set on a destination: only the cluster itself sets it",
                "9:40: `index.codec` takes text here, not a list",
                "10:10: `b` must be a mapping of settings, such as {index.codec: …}",
            ],
        ),
    ],
)
def test_faults_are_told_with_their_places(settings: str, faults: list[str]) -> None:
    rules, found = compiled(settings)
    assert rules is None
    assert found == [f"r.yml:{fault}" for fault in faults]


@pytest.mark.parametrize(
    "key",
    [
        "index.uuid",
        "index.version.created",
        "index.creation_date",
        "index.creation_date_string",
        "index.provided_name",
        "index.history.uuid",
        "index.resize.source.name",
        "index.shrink.source.uuid",
        "index.verified_before_close",
        "index.routing.allocation.initial_recovery._id",
        "index.blocks.write",
        "index.frozen",
        "index.default_pipeline",
        "index.final_pipeline",
        "index.mode",
        "index.time_series.start_time",
        "index.routing_path",
        "index.store.snapshot.index_name",
        "index.mapping.source.mode",
        "index.analysis.analyzer.default.type",
        "index.similarity.default.type",
    ],
)
def test_what_would_break_the_copy_is_refused(key: str) -> None:
    rules, faults = compiled(f"      x: {{{key}: a}}\n")
    assert rules is None
    assert len(faults) == 1
    assert faults[0].startswith(f"r.yml:9:11: `{key}` cannot be set on a destination: ")


@pytest.mark.parametrize(
    "key",
    [
        "index.codec",
        "index.number_of_replicas",
        "index.lifecycle.name",
        "index.routing.allocation.include._tier_preference",
        "index.sort.field",
        "index.store.type",
        "index.mapping.total_fields.limit",
        "index.mapping.ignore_malformed",
    ],
)
def test_what_does_not_is_taken(key: str) -> None:
    assert compiled(f"      x: {{{key}: a}}\n")[1] == []


def test_the_later_pattern_wins() -> None:
    rules, _ = compiled(
        '      "*": {index.codec: a, index.priority: 1}\n'
        "      flights-*: {index.codec: b}\n"
        "      other-*: {index.codec: c}\n"
        "      '*-out': {index.refresh_interval: 5s}\n"
    )
    assert rules is not None
    assert {key: setting.value for key, setting in settings_for(rules, "flights-out").items()} == {
        "index.codec": "b",
        "index.priority": 1,
        "index.refresh_interval": "5s",
    }
    assert {key: setting.value for key, setting in settings_for(rules, "x").items()} == {
        "index.codec": "a",
        "index.priority": 1,
    }
    assert settings_for(rules, "flights-out")["index.codec"].origin == Origin("r.yml", 10)


def test_the_revision_tells_overrides_and_their_order() -> None:
    one, _ = compiled("      a: {index.codec: best}\n      b: {index.codec: z}\n")
    other, _ = compiled("      b: {index.codec: z}\n      a: {index.codec: best}\n")
    assert one is not None
    assert other is not None
    assert one.revision != other.revision


@pytest.mark.parametrize(
    ("settings", "faults"),
    [
        (
            '{a*: {index.codec: b}, "*": {index.codec: c}}',
            ["`index.codec` of `a*` never counts: `*` in r.yml:8"],
        ),
        ("{a: {index.codec: b, index.priority: 1}, a: {}}", None),
        ('{"*": {index.codec: b}, a*: {index.codec: c}}', []),
        ('{a*: {index.codec: b}, "*": {index.priority: 1}}', []),
        ("{a*: {index.codec: b}, b*: {index.codec: b}}", []),
        # Whatever stands between.
        (
            '{a*: {index.codec: b}, b*: {index.codec: c}, "*": {index.codec: d}}',
            ["`index.codec` of `a*` never counts: `*`", "`index.codec` of `b*` never counts: `*`"],
        ),
        ("{a: x, a*: {index.codec: b}}", ["`a` must be a mapping of settings"]),
    ],
)
def test_what_can_never_win_is_told(settings: str, faults: list[str] | None) -> None:
    root, wrong = read(f"version: 1\n\n\n\n\n\n\nsettings: {settings}\n", "r.yml")
    assert isinstance(root, Table)
    values = Values()
    overrides(values, root.entries[1])
    if faults is None:
        assert wrong
        return
    assert len(values.faults) == len(faults)
    assert all(fault.message.startswith(text) for fault, text in zip(values.faults, faults, strict=True))


def test_a_number_of_thousands_of_digits_is_told() -> None:
    root, _ = read("settings: {a: {index.priority: " + "9" * 5000 + "}}\n", "r.yml")
    assert isinstance(root, Table)
    values = Values()
    overrides(values, root.entries[0])
    assert [fault.message for fault in values.faults] == ["`index.priority` has more than 20 digits"]
