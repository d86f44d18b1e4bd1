"""The file realm's two files, with every fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.identity.userfiles import read_users, read_users_roles
from tests.identity.samples import BCRYPT4, PBKDF2, ROLES_FILE, USERS_FILE


def test_users() -> None:
    found, faults = read_users(USERS_FILE, "users")
    assert faults == []
    assert {name: stored.text for name, stored in found.items()} == {"ann": PBKDF2, "bob": BCRYPT4}


def test_comments_blank_lines_and_the_ends_of_lines() -> None:
    found, faults = read_users(f"\n# ann:x\n  ann:{PBKDF2}  \r\n\t\nann b:{BCRYPT4}\n", "users")
    assert (list(found), faults) == (["ann", "ann b"], [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["users: holds no user"]),
        ("# nobody\n", ["users: holds no user"]),
        ("ann\n", ["users:1:1: must be name:hash"]),
        (":x\n", ["users:1:1: user name is empty"]),
        ("ann:\n", ["users:1:1: must be name:hash"]),
        (f"änn:{PBKDF2}\n", ["users:1:1: user name holds more than printable ASCII characters"]),
        (f"ann:{PBKDF2}\nann:{BCRYPT4}\n", ["users:2:1: user 'ann' stands in line 1 as well"]),
        (f"ann:{PBKDF2}", ["users:1:107: the last line has no line end: the file may be cut short"]),
        ("\nann:x\n", ["users:2:5: user 'ann': the hash is of no kind"]),
        ("ann:x\nbob\n", ["users:1:5: user 'ann': the hash is of no kind", "users:2:1: must be name:hash"]),
        (f" # ann:{PBKDF2}\n", []),
    ],
)
def test_faults_of_users(text: str, told: list[str]) -> None:
    _, faults = read_users(text, "users")
    assert len(faults) == len(told)
    for fault, wanted in zip(faults, told, strict=True):
        assert str(fault).startswith(wanted)
        assert PBKDF2 not in str(fault)


def test_roles() -> None:
    found, faults = read_users_roles(ROLES_FILE + "\n# x\nanalyst:dora,ann\n", "roles")
    assert faults == []
    assert found == {
        "ann": ("analyst",), "bob": ("analyst", "reader"), "carl": ("reader",), "dora": ("analyst",),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("admin\n", ["roles:1:1: must be role:user,user"]),
        ("admin:\n", ["roles:1:1: must be role:user,user"]),
        ("admin:  \n", ["roles:1:1: must be role:user,user"]),
        (":ann\n", ["roles:1:1: role name is empty"]),
        ("admin:ann,,bob\n", ["roles:1:7: role 'admin': user name is empty"]),
        ("admin:änn\n", ["roles:1:7: role 'admin': user name holds more than printable ASCII characters"]),
        ("admin:ann,bob", ["roles:1:14: the last line has no line end: the file may be cut short"]),
        ("a\nb\n", ["roles:1:1: must be role:user,user", "roles:2:1: must be role:user,user"]),
    ],
)
def test_faults_of_roles(text: str, told: list[str]) -> None:
    _, faults = read_users_roles(text, "roles")
    assert [str(fault) for fault in faults] == told


def test_no_roles_at_all_are_no_fault() -> None:
    assert read_users_roles("", "roles") == ({}, [])


@given(st.integers(min_value=0, max_value=len(ROLES_FILE) - 1))
def test_a_file_that_is_cut_gives_nobody_a_role_unnoticed(length: int) -> None:
    """Wherever it is cut: a fault, or what is left stands in the whole file as well."""
    found, faults = read_users_roles(ROLES_FILE[:length], "roles")
    whole, _ = read_users_roles(ROLES_FILE, "roles")
    assert faults or all(set(roles) <= set(whole[user]) for user, roles in found.items())


@given(st.text(alphabet=st.sampled_from("a:,# \n\r\tä{$")))
def test_any_text_is_people_or_faults(text: str) -> None:
    """Only names that may be ones come out, whatever goes in."""
    roles, _ = read_users_roles(text, "roles")
    assert all(user.strip() == user and given for user, given in roles.items())
    users, faults = read_users(text, "users")
    assert not users
    assert faults
