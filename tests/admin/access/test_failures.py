"""How often somebody may fail: by address, by name, with a bound for both tables."""

import pytest

from proxy.admin.access.failures import Failures
from proxy.admin.api import ApiError
from proxy.identity import guesses
from proxy.settings import AdminLimits

LIMITS = AdminLimits(sign_in_failures=3, sign_in_failures_per_user=5, sign_in_window_s=60.0)


def charged(failures: Failures, peer: str, name: str, now_s: float) -> int:
    """The status, 200 where the attempt may be made."""
    try:
        failures.charge(peer, name, now_s)
    except ApiError as error:
        waits = 1 <= int(error.headers["Retry-After"]) <= 60
        return error.status if waits and name not in error.reason else 0
    return 200


def test_an_address_may_fail_so_often() -> None:
    failures = Failures(LIMITS)
    assert [charged(failures, "192.0.2.1:0", f"user-{n}", 0.0) for n in range(4)] == [200, 200, 200, 429]
    assert charged(failures, "192.0.2.2:0", "ann", 0.0) == 200
    assert charged(failures, "192.0.2.1:0", "ann", 60.0) == 200


def test_an_ipv6_network_is_one_address() -> None:
    failures = Failures(LIMITS)
    assert [charged(failures, f"[2001:db8::{n}]:0", "ann", 0.0) for n in range(1, 5)] == [200, 200, 200, 429]


def test_a_name_may_fail_so_often_from_wherever() -> None:
    failures = Failures(LIMITS)
    assert [charged(failures, f"192.0.2.{n}:0", "ann", 0.0) for n in range(6)] == [200] * 5 + [429]
    assert charged(failures, "192.0.2.5:0", "bob", 0.0) == 200
    # What was refused by name was no failure of the address.
    assert [charged(failures, "192.0.2.5:0", "bob", 0.0) for _ in range(3)] == [200, 200, 429]


def test_what_was_right_is_no_failure() -> None:
    failures = Failures(LIMITS)
    for n in range(100):
        failures.charge("192.0.2.1:0", "ann", float(n) / 100)
        failures.refund("192.0.2.1:0", "ann", float(n) / 100)
    assert charged(failures, "192.0.2.1:0", "ann", 1.0) == 200


def test_neither_table_grows_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "PEERS", 100)
    failures = Failures(LIMITS)
    for n in range(1000):
        charged(failures, f"10.0.{n // 250}.{n % 250}:0", "x" * 1000 + str(n), 0.0)
    tables = (failures._addresses, failures._names)
    assert [len(table._charges) for table in tables] == [100, 100]
    assert not any("xxx" in key for key in failures._names._charges)


def test_a_name_in_another_spelling_is_the_same_name() -> None:
    failures = Failures(LIMITS)
    names = ("ann", "Ann", "ANN ", "ann", "\uff41nn")
    assert [charged(failures, f"192.0.2.{n}:0", name, 0.0) for n, name in enumerate(names)] == [200] * 5
    assert charged(failures, "192.0.2.9:0", "aNN", 0.0) == 429
