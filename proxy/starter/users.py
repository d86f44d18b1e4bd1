"""For a cluster without security: a first user of Startgate's own, in Elasticsearch's files of users and roles."""

from typing import Final

import bcrypt

from proxy.starter.model import Made, secret

USERS: Final = "users"
USERS_ROLES: Final = "users_roles"
USER: Final = "analyst"
ROLE: Final = "starter"
PASSWORD_FILE: Final = "secrets/analyst-password"  # noqa: S105 -- where it is kept
# Elasticsearch's own default.
_COST: Final = 10


def users(password: str) -> list[Made]:
    """The user with this password, which stands in a file besides: hand it over, and remove the file."""
    # Elasticsearch writes $2a$; what bcrypt calls $2b$ is the same but for passwords of more than 255 characters.
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST, prefix=b"2a")).decode()
    return [
        secret(PASSWORD_FILE, password),
        secret(USERS, f"# A user a line, as `elasticsearch-users useradd` writes them.\n{USER}:{hashed}\n"),
        secret(USERS_ROLES, f"# A role a line, with its users; the roles are in rules/roles.yml.\n{ROLE}:{USER}\n"),
    ]
