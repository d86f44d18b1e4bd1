"""A first user, as Startgate itself reads the files."""

import bcrypt

from proxy.identity.userfiles import read_users, read_users_roles
from proxy.starter.users import PASSWORD_FILE, ROLE, USER, USERS, USERS_ROLES, users


def test_they_are_read_as_they_were_meant() -> None:
    made = {one.path: one.content.decode() for one in users("word")}
    assert made[PASSWORD_FILE] == "word"
    known, faults = read_users(made[USERS], USERS)
    assert (list(known), faults) == ([USER], [])
    assert bcrypt.checkpw(b"word", made[USERS].splitlines()[1].partition(":")[2].encode())
    assert read_users_roles(made[USERS_ROLES], USERS_ROLES) == ({USER: (ROLE,)}, [])


def test_all_of_it_is_private() -> None:
    assert all(one.mode == 0o600 and one.keep for one in users("word"))
