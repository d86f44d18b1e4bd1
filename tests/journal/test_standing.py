"""The snapshot of the journal."""

import msgspec

from proxy.journal.standing import JournalStanding, JournalState


def test_it_survives_the_way_over_a_socket() -> None:
    standing = JournalStanding(
        state=JournalState.STALLED,
        reason="slow",
        journal="j",
        file="f",
        seq=1,
        appended=2,
        refused=3,
        lost=4,
        late=5,
        last_fsync_s=0.5,
    )
    assert msgspec.json.decode(msgspec.json.encode(standing), type=JournalStanding) == standing
