"""The table of built-in roles is written as its head says."""

import re

from proxy.privileges.builtin_roles import ROLES

LINES = ROLES.strip("\n").split("\n")
WHEN = r"(?:(?:since|before) 9\.1 )?"
PRIVILEGES = r"[^ ,]+(?:, [^ ,]+)*"


def test_roles_stand_at_the_margin_in_order() -> None:
    names = [line.split("role ")[1] for line in LINES if "role " in line and not line.startswith(" ")]
    assert names == sorted(set(names))
    assert len(names) == 32


def test_each_line_is_of_one_kind() -> None:
    text = re.sub(r"\n {4,}", " ", "\n".join(LINES))
    forms = (
        rf"{WHEN}role [a-z_]+",
        rf"  {WHEN}cluster {PRIVILEGES}",
        rf"  run_as {PRIVILEGES}",
        rf"  {WHEN}index!? {PRIVILEGES} on [^ ,]+(?: [^ ,]+)*",
    )
    assert [line for line in text.split("\n") if not any(re.fullmatch(form, line) for form in forms)] == []
