"""Which notification is of which start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.bypasses.match import by_job, matched
from proxy.bypasses.model import Meant
from proxy.cluster.heard import Note
from tests.bypasses.making import TOLERANCE_MS, meant, note

CREATED, STOPPED = "Created analytics with type [outlier_detection]", "Stopped analytics"
NODE, FINISHED = "Starting analytics on node [n1]", "Finished analysis"


@pytest.mark.parametrize(
    ("starts", "notes", "unexplained"),
    [
        ([], [], []),
        ([meant("r1", 100)], [note(101)], []),
        ([meant("r1", 100)], [], []),
        ([], [note(101)], [101]),
        ([meant("r1", 100, job="other")], [note(101)], [101]),
        # The tolerance goes both ways, and no further.
        ([meant("r1", 100)], [note(90)], []),
        ([meant("r1", 100)], [note(89.9)], [89.9]),
        ([meant("r1", 100)], [note(112)], []),
        ([meant("r1", 100)], [note(112.1)], [112.1]),
        # One start is for one notification.
        ([meant("r1", 100)], [note(101), note(102)], [102]),
        ([meant("r1", 100), meant("r2", 101)], [note(101), note(102)], []),
        # The first start could take either, the second one alone.
        ([meant("r1", 100), meant("r2", 105)], [note(111), note(116)], []),
        # An outcome that is not known yet may come at any time.
        ([meant("r1", 100, told_ms=None, granted=False)], [note(5000)], []),
        ([meant("r1", 100, told_ms=None, granted=False)], [note(50)], [50]),
        # Nobody knows what became of it: the cluster may go on with it.
        ([meant("r1", 100, granted=False)], [note(411)], []),
        ([meant("r1", 100, granted=False)], [note(413)], [413]),
        # What is no word of a start.
        ([], [note(1, CREATED), note(2, FINISHED), note(3, STOPPED), note(4, "Estimated memory usage [1mb]")], []),
        # A start and its assignment are one.
        ([meant("r1", 100)], [note(99, CREATED), note(101, NODE), note(102)], []),
        # A job that moves.
        ([meant("r1", 100)], [note(99, CREATED), note(101, NODE), note(102), note(500, NODE)], []),
        ([meant("r1", 100)], [note(101, NODE), note(102), note(300, FINISHED), note(500, NODE)], []),
        # Whoever called gave up; the job runs all the same.
        ([], [note(99, CREATED), note(101, NODE)], [101]),
        ([], [note(99, STOPPED), note(101, "Starting analytics."), note(900, STOPPED)], [101]),
        ([meant("r1", 100)], [note(99, STOPPED), note(101, NODE)], []),
        # It may be of an earlier start that this job still runs by, and whose own words are lost.
        ([meant("r1", 100)], [note(99, STOPPED), note(900, NODE)], []),
        ([meant("r1", 100, ended_s=500)], [note(99, STOPPED), note(510, NODE)], []),
        ([meant("r1", 100, ended_s=500)], [note(99, STOPPED), note(511, NODE)], [511]),
        ([meant("r1", 100)], [note(99, STOPPED), note(101), note(800, STOPPED), note(900, NODE)], [900]),
        # Nobody knows how the job stood before.
        ([], [note(101, NODE)], []),
    ],
)
def test_notifications_that_no_start_is_of(starts: list[Meant], notes: list[Note], unexplained: list[float]) -> None:
    found = matched(notes, starts, TOLERANCE_MS)
    assert [one.note.ms for one in found.unexplained] == [note(at_s).ms for at_s in unexplained]


def test_which_starts_were_heard_of() -> None:
    found = matched([note(101)], [meant("r1", 100), meant("r2", 5000)], TOLERANCE_MS)
    assert found.heard == {"r1"}


@given(st.lists(st.integers(0, 10_000), max_size=12), st.data())
def test_every_start_finds_its_notification_whatever_the_clocks_say(begun: list[int], data: st.DataObject) -> None:
    """Each start is heard of once, at a time that a clock may show: nothing is left over, and in no order."""
    starts = [meant(f"r{number}", at_s) for number, at_s in enumerate(begun)]
    skews = data.draw(st.lists(st.integers(-10, 12), min_size=len(begun), max_size=len(begun)))
    notes = data.draw(st.permutations([note(at_s + skew) for at_s, skew in zip(begun, skews, strict=True)]))
    found = matched(notes, starts, TOLERANCE_MS)
    assert found.unexplained == []
    assert len(found.heard) == len(begun)


@given(st.lists(st.integers(0, 10_000), max_size=12), st.integers(0, 10_000))
def test_one_more_than_there_are_starts_is_left_over(begun: list[int], extra: int) -> None:
    starts = [meant(f"r{number}", at_s) for number, at_s in enumerate(begun)]
    found = matched([*(note(at_s) for at_s in begun), note(extra)], starts, TOLERANCE_MS)
    assert len(found.unexplained) == 1


def test_starts_by_job() -> None:
    one, other = meant("r1", 1), meant("r2", 2, job="k")
    assert by_job([one, other]) == {"j": [one], "k": [other]}
