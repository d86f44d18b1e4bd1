"""Names: what may be one, and the realms under which Startgate's own identities stand in rules and records."""

# A cluster could give a realm one of these names; such an identity is refused (`cluster.security`).
USERS_REALM = "startgate_users"
CERTIFICATES_REALM = "startgate_certificates"
HEADER_REALM = "startgate_header"
REALMS = frozenset({USERS_REALM, CERTIFICATES_REALM, HEADER_REALM})
REALM_TYPE = "startgate"

# NativeRealmValidationUtil and Validation.Roles: the same bound for users and roles.
NAME_CHARS = 507


def wrong_name(name: str) -> str | None:
    """Why a text is no name of a user or a role, None where it is one: 1 to 507 printable ASCII characters, without
    blanks at its ends (`Validation.Users`, `Validation.Roles`)."""
    if not name:
        return "is empty"
    if len(name) > NAME_CHARS:
        return f"is longer than {NAME_CHARS} characters"
    if not (name.isascii() and name.isprintable()):
        return "holds more than printable ASCII characters"
    if name != name.strip():
        return "begins or ends with a blank"
    return None
