"""The files on the disk: read whole, with every fault, and told apart from what they were."""

import os
from pathlib import Path

import pytest

from proxy.errors import ConfigError
from proxy.identity import load as module
from proxy.identity.load import load, signature
from tests.identity.samples import ROLES_FILE, USERS_FILE


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    users, roles = tmp_path / "users", tmp_path / "users_roles"
    users.write_text(USERS_FILE)
    roles.write_text(ROLES_FILE)
    return users, roles


def test_both_files(files: tuple[Path, Path]) -> None:
    people = load(str(files[0]), str(files[1]))
    assert set(people.users) == {"ann", "bob"}
    assert people.roles["bob"] == ("analyst", "reader")
    assert people.seen == signature((str(files[0]), str(files[1])))
    assert "PBKDF2" not in repr(people)


def test_one_file_or_none(files: tuple[Path, Path]) -> None:
    assert load(str(files[0]), None).roles == {}
    assert load(None, str(files[1])).users == {}
    assert load(None, None).seen == ()


def told(users: Path | None, roles: Path | None) -> list[str]:
    with pytest.raises(ConfigError) as faults:
        load(str(users) if users else None, str(roles) if roles else None)
    return [str(fault) for fault in faults.value.faults]


def test_every_fault_of_both_is_told(files: tuple[Path, Path]) -> None:
    users, roles = files
    users.write_text("ann\nbob\n")
    roles.write_text("x\n")
    assert told(users, roles) == [
        f"{users}:1:1: must be name:hash",
        f"{users}:2:1: must be name:hash",
        f"{roles}:1:1: must be role:user,user",
    ]


def test_files_that_cannot_be_read(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    users, roles = files
    assert told(users.parent / "no", None)[0].endswith("no: cannot be read: No such file or directory")
    assert "Is a directory" in told(None, users.parent)[0]
    users.write_bytes(b"# a\nann:\xff\n")
    assert told(users, None) == [f"{users}:2:1: is not UTF-8 text"]
    monkeypatch.setattr(module, "FILE_BYTES", 10)
    assert told(None, roles) == [f"{roles}: is larger than 10 bytes"]


def test_a_change_shows(files: tuple[Path, Path]) -> None:
    users, roles = files
    paths = (str(users), None, str(roles))
    seen = {signature(paths)}
    users.write_text(USERS_FILE + "\n")
    seen.add(signature(paths))
    other = users.with_name("other")
    other.write_text(USERS_FILE + "\n")
    os.replace(other, users)  # noqa: PTH105 -- as a program in another language would
    seen.add(signature(paths))
    roles.unlink()
    seen.add(signature(paths))
    assert len(seen) == 4


def test_a_swapped_link_shows(files: tuple[Path, Path], tmp_path: Path) -> None:
    """As Kubernetes swaps the folder behind a ConfigMap's files."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "users").write_text(USERS_FILE)
    link = tmp_path / "data"
    link.symlink_to("one")
    before = signature((str(link / "users"),))
    link.unlink()
    link.symlink_to("two")
    assert signature((str(link / "users"),)) != before


def test_what_changes_while_it_is_read_is_not_used(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter([((1,),), ((2,),)])
    monkeypatch.setattr(module, "signature", lambda _: next(states))
    assert told(*files) == [f"{files[0]}: changed while it was read"]
