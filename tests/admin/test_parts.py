"""What areas are made from holds no secret of ours."""

import dataclasses

from proxy.admin.parts import Parts


def test_there_is_no_credential_among_the_parts() -> None:
    names = {one.name for one in dataclasses.fields(Parts)}
    assert names == {"settings", "collector", "control", "cluster", "door", "acts", "admin", "own"}
