"""All files together, and what to do next."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.starter.files import files, steps
from proxy.starter.model import Wish
from tests.starter.made import SHIPPED

WISH = Wish(nodes=("http://127.0.0.1:9200",))


def paths(wish: Wish, *existing: str) -> list[str]:
    return [one.path for one in files(wish, SHIPPED, existing)]


def test_the_configuration_comes_last() -> None:
    for wish in (WISH, replace(WISH, authority="roles", tls=True, service="none")):
        assert paths(wish)[-1] == "startgate.yml"
        assert len(set(paths(wish))) == len(paths(wish))


def test_only_what_is_wished_for_is_made() -> None:
    plain = paths(replace(WISH, service="none"))
    assert not any(path.startswith(("secrets/", "tls/", "service-credential", "users")) for path in plain)
    assert {"users", "users_roles", "secrets/analyst-password"} <= set(paths(replace(WISH, authority="roles")))
    assert "secrets/analyst-password" not in paths(replace(WISH, authority="roles"), "users")


def test_passwords_are_new_each_time() -> None:
    def password() -> bytes:
        made = files(replace(WISH, service="user"), SHIPPED)
        return next(one.content for one in made if one.path == "secrets/password")

    assert password() != password()
    assert len(password()) == 24


def test_secrets_are_ignored_by_git() -> None:
    ignored = next(one.content.decode() for one in files(WISH, SHIPPED) if one.path == ".gitignore").split()
    assert {"secrets/", "journal/", "users"} <= set(ignored)


@pytest.mark.parametrize(
    ("listen", "tls", "line"),
    [
        ("127.0.0.1:9400", False, "curl http://127.0.0.1:9400/"),
        ("0.0.0.0:9400", True, "curl --cacert tls/for-a-test-ca.crt https://localhost:9400/"),
        ("[::1]:9400", False, "curl http://[::1]:9400/"),
    ],
)
def test_what_to_try_next(listen: str, tls: bool, line: str) -> None:
    told = list(steps(replace(WISH, listen=listen, tls=tls), Path("here"), password_made=False))
    assert told[0] == "cd here"
    assert any(one.startswith(line) for one in told)


def test_steps_are_those_that_are_needed() -> None:
    none = list(steps(replace(WISH, service="none"), Path(), password_made=True))
    assert none[0] == "startgate check && startgate test"
    assert any("analyst-password" in one for one in none)
