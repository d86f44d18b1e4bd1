"""A report as lines."""

from proxy.doctor.model import Report, fail, ok
from proxy.doctor.show import lines


def test_what_to_do_stands_below() -> None:
    told = [str(line) for line in lines(Report(findings=(ok("nodes", "there"), fail("clock", "late\x1b[1m", "NTP"))))]
    assert told[0].split() == ["ok", "nodes", "there"]
    assert told[1].startswith("fail  clock")
    assert "\x1b" not in told[1]
    assert told[2].strip() == "→ NTP"
    assert told[-1] == "1 ok, 1 fail"
