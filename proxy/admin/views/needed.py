"""What a viewer has to be, for views that not everybody may see."""

from proxy.admin.api import ApiError, Role, Viewer

_WHOM = {
    Role.OWN: "whoever is signed in",
    Role.READ: "whoever may see everything",
    Role.WRITE: "whoever may change things",
}


def needs(viewer: Viewer, role: Role) -> None:
    """Raises ApiError 403 where the viewer is less than this."""
    if viewer.role < role:
        raise ApiError(403, f"this is for {_WHOM[role]}", hint="admin.access says who that is (docs/admin.md)")


def authorization_of(viewer: Viewer) -> str:
    """By which the cluster knows the viewer. Raises ApiError 403 where they are no user of the cluster."""
    needs(viewer, Role.OWN)
    if viewer.authorization is None:
        text = "the cluster is asked in the viewer's own name, and knows nobody of this one"
        raise ApiError(403, text, hint="sign in with a user name and password, or an API key, of the cluster")
    return viewer.authorization
