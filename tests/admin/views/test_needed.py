"""Who may see what."""

import pytest

from proxy.admin.api import ANONYMOUS, ApiError, Role, Viewer
from proxy.admin.views.needed import authorization_of, needs


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("wanted", [Role.OWN, Role.READ, Role.WRITE])
def test_a_role_does_for_what_lower_ones_do(role: Role, wanted: Role) -> None:
    viewer = Viewer(name="ann", realm="r", role=role)
    if role >= wanted:
        needs(viewer, wanted)
        return
    with pytest.raises(ApiError, match="this is for whoever") as caught:
        needs(viewer, wanted)
    assert caught.value.status == 403


def test_the_cluster_knows_some_of_them() -> None:
    assert authorization_of(Viewer(name="ann", realm="r", role=Role.OWN, authorization="Basic eDp5")) == "Basic eDp5"
    for stranger in (ANONYMOUS, Viewer(name="t", realm="startgate:token", role=Role.WRITE)):
        with pytest.raises(ApiError) as caught:
            authorization_of(stranger)
        assert caught.value.status == 403
