"""Guards: what is read, and every fault where it stands."""

import pytest

from proxy.rules.compiled import Mode
from tests.rules.samples import VALID
from tests.rules.texts import RICH, compiled, valid


def guards(text: str) -> tuple[object, list[str]]:
    """Rules and faults of a file with this under `guards`."""
    return compiled(VALID + f"  guards:\n{text}")


def test_guards_are_read_in_their_order() -> None:
    pii, memory, threads = valid(RICH).guards
    assert (pii.id, pii.mode, pii.message) == ("pii-needs-dpo", Mode.ENFORCE, "Jobs on pii-* need the role dpo.")
    assert (memory.id, memory.mode) == ("memory", Mode.SHADOW)
    assert memory.deny == "job.model_memory_limit_bytes\n  > 4 * gib\n"
    assert "model_memory_limit_bytes" in memory.program.mentions
    assert threads.mode is Mode.WARN
    assert str(pii.origin) == "a.yml:23"


def test_no_guards() -> None:
    assert valid(VALID + "  guards: []\n").guards == ()


A = "    - {id: a, deny: job.id == 'x', message: m}\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("    - a\n", "8:7: an item of `guards` is a mapping with the keys `id`, `deny`, `message`, `mode`"),
        ("    - {deny: job.id == 'x', message: m}\n", "8:7: `id` is missing: a guard has one"),
        ("    - {id: a, message: m}\n", "8:7: `deny` is missing: the condition, in CEL, that speaks against a start"),
        (
            "    - {id: a, deny: job.id == 'x'}\n",
            "8:7: `message` is missing: what the client is told when the guard denies",
        ),
        (A + A, "9:12: the id `a` is taken by the guard in a.yml:8"),
        (
            A.replace("m}", "m, mode: shadwo}"),
            "8:54: `shadwo` is not a value of `mode` (did you mean 'shadow'?); allowed: `enforce`, `warn`, `shadow`",
        ),
        (
            A.replace("id: a", "id: A b"),
            "8:12: `A b` is no id: up to 64 of a-z, 0-9, `.`, `_` and `-`, the first a letter or a digit",
        ),
        (A.replace(" m}", ' "a\\nb"}'), "8:45: `message` must be one line of printable characters"),
        (A.replace(" m}", f" {'m' * 1001}}}"), "8:45: `message` has more than 1000 characters"),
        (A.replace(" m}", " no}"), "8:45: `message` takes text, but YAML reads `no` as bool; put it in quotes"),
        (A.replace("job.id == 'x'", "yes"), "8:21: `deny` takes text, but YAML reads `yes` as bool; put it in quotes"),
        (
            A.replace("job.id == 'x'", "1 < 2"),
            "8:21: the guard always denies, whatever is started: it looks at nothing",
        ),
        (
            A.replace("job.id == 'x'", "gib < kib || tib < mib"),
            "8:21: the guard never denies, whatever is started: it looks at nothing",
        ),
        (
            A.replace("job.id == 'x'", "1 / 0 == 1"),
            "8:21: the guard cannot be told, whatever is started: it looks at nothing",
        ),
        (
            "    - id: a\n      message: m\n      deny: >\n        job.id == 'x' &&\n        job.idd == 'y'\n",
            "12:13: `deny`: job has no field 'idd' (did you mean 'id'?)",
        ),
        (
            "    - id: a\n      message: m\n      deny: 'job.id == ''x'' && job.idd == ''y'''\n",
            "10:37: `deny`: job has no field 'idd' (did you mean 'id'?)",
        ),
    ],
)
def test_faults(text: str, fault: str) -> None:
    assert guards(text) == (None, [f"a.yml:{fault}"])


def test_all_faults_of_a_guard_at_once() -> None:
    _, faults = guards('    - {id: _, deny: "x", message: "\\t", mode: no}\n')
    assert sorted(fault.split(":")[2] for fault in faults) == ["12", "22", "35", "47"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mode: shadow", "mode: warn"),
        ("> 8", "> 9"),
        ("8 threads.", "9 threads."),
        ("id: threads", "id: many-threads"),
    ],
)
def test_every_part_of_a_guard_counts_for_revision_and_seal(old: str, new: str) -> None:
    one, other = valid(RICH), valid(RICH.replace(old, new))
    assert one.revision != other.revision
    assert one.seal != other.seal


def test_in_which_order_guards_are_written_counts_for_neither() -> None:
    one = "    - {id: a, deny: job.id == 'x', message: m}\n"
    two = "    - {id: b, deny: job.id == 'y', message: m}\n"
    section = VALID + "  guards:\n"
    assert valid(section + one + two).seal == valid(section + two + one).seal


def test_a_message_may_be_as_long_as_that() -> None:
    (guard,) = valid(VALID + "  guards:\n" + A.replace(" m}", f" {'m' * 1000}}}")).guards
    assert len(guard.message) == 1000


def test_a_guard_that_compares_all_units_looks_at_nothing() -> None:
    _, (fault,) = guards(A.replace("job.id == 'x'", "gib < kib || tib < mib || kib + mib + gib + tib == 0"))
    assert "never denies" in fault
