"""What a front may carry by itself is never a special call, to no reader."""

import itertools
import re
from random import Random
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.fronts.ordinary import BEGINS, HINTS, PIECE, SNIFFING, WITHOUT_PIECE, check, ordinary
from proxy.route.router import PASS, route
from proxy.route.table import CALLS, HINT
from tests.fuzz.grammar import spelled
from tests.fuzz.mutate import escape, insert
from tests.fuzz.readings import Seen
from tests.real.spellings.targets import targets

METHODS = sorted({call.method for call in CALLS})
_BEGINS = re.compile(BEGINS.encode())
_WITHOUT = re.compile(WITHOUT_PIECE.encode())
# What hints are made of, and what readers are known to fold, drop, merge or cut at.
PARTS = b"data_frame DATA_FRAME data _frame a A _ f F / // /../ %5f %2f %2C %61 %25 % %c1%9f ; # ? \\ . _ml".split(b" ")
PARTS += [b"\x00", b"\t", b"\n", b"\xff"]
NEAR = st.lists(
    st.sampled_from(PARTS),
    max_size=12,
).map(lambda parts: b"/" + b"".join(parts))


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/_search?size=0",
        b"/logs-*,-logs-2020/_search",
        b"/a%2Cb%2cc/_search",
        b"/cluster%3Aindex/_search",
        b"/%3Clogs-%7Bnow%2Fd%7D%3E/_doc",
        b"/.ds-logs-2026.01.01-000001/_settings",
        b"//a/./b/../c/",
        b"/_component_template/logs@custom",
        b"/_ml/anomaly_detectors/x/_open",
        b"/x?q=%64ata%5fframe;#\\",
        b"/x?",
    ],
)
def test_what_is_carried(target: bytes) -> None:
    assert ordinary(target)


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"*",
        b"x",
        b"http://es/_search",
        b"es:9200",
        b"/_ml/data_frame/analytics/x/_start",
        b"/_ml/DATA_Frame/analytics/x/_start",
        b"/_ml/data_frame/analytics/x",
        b"/data_frame/_doc/1",
        b"/x?data_frame",
        b"/_ml/%64ata_frame/analytics/x/_start",
        b"/_ml/data%5Fframe/analytics/x/_start",
        b"/a%252Fb",
        b"/a%2Eb",
        b"/a%3Bb",
        b"/a%3Fb",
        b"/a%23b",
        b"/a%5Cb",
        b"/a%00b",
        b"/a%c3%a9",
        b"/a%2",
        b"/a%",
        b"/a;b",
        b"/a#b",
        b"/a#?b",
        b"/a\\b",
        b"/a b",
        b"/a\tb",
        b"/a\nb",
        b"/a\n",
        b"/a\xc3\xa9",
        b"/a\x00",
    ],
)
def test_what_goes_to_startgate(target: bytes) -> None:
    assert not ordinary(target)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.action)
@given(id=st.binary(max_size=20))
def test_no_special_call_is_carried(call: object, id: bytes) -> None:
    pattern = getattr(call, "pattern", "").encode()
    assert not ordinary(pattern.replace(b"{id}", id))


def test_sniffing_goes_to_startgate_where_it_is_rewritten() -> None:
    assert ordinary(b"/_nodes/http")
    assert not ordinary(b"/_nodes/http", (*HINTS, SNIFFING))


def judge(target: bytes) -> bool:
    """Whether a target is carried. Fails where one that is means something to Startgate, or to a lenient reader."""
    if not ordinary(target):
        return False
    for method in (*METHODS, b"post", b"GET"):
        assert route(method, target) is PASS, (method, target)
    assert not Seen(b"POST", target, b"", False, None).starts, target
    form = target.partition(b"?")[0]
    for _ in range(3):
        assert HINT not in form.lower()
        form = unquote_to_bytes(form)
    return True


@given(NEAR)
def test_what_is_near_a_start_is_judged_as_startgate_does(target: bytes) -> None:
    judge(target)


def test_spellings_by_chance() -> None:
    chance = Random(3)  # noqa: S311 -- repeatable on purpose
    carried = 0
    for _ in range(5000):
        target = spelled(chance)
        for _ in range(chance.choice((0, 1, 2))):
            target = chance.choice((escape, insert))(chance, target)
        carried += judge(target)
    assert carried > 0, "some are broken so much that they are ordinary"


def test_spellings_by_name() -> None:
    assert [name for name, target in targets().items() if judge(target)] == ["wildcard in a literal"]


class TestExpressions:
    @given(NEAR)
    def test_the_one_for_parts_finds_what_the_whole_one_matches(self, target: bytes) -> None:
        if b"\n" not in target:
            found = _BEGINS.search(target) is not None and HINT not in target.lower()
            assert found == ordinary(target)

    def test_the_one_without_a_negation_is_right_about_all_short_paths(self) -> None:
        for size in range(7):
            for letters in itertools.product(b"aA_fFb/", repeat=size):
                path = b"/" + bytes(letters)
                assert (_WITHOUT.fullmatch(path) is None) == (PIECE in path.lower()), path

    @given(NEAR)
    def test_the_one_without_a_negation_is_as_strict(self, target: bytes) -> None:
        path = target.partition(b"?")[0]
        expected = ordinary(path) and PIECE not in path.lower() and b"a_%" not in path.lower()
        assert (_WITHOUT.fullmatch(path) is not None) == expected

    @pytest.mark.parametrize("end", ["", "\x00", "a", "_", "%"])
    def test_it_takes_no_longer_for_what_it_refuses(self, end: str) -> None:
        # A matcher that tries again and again would not come back from this.
        assert _WITHOUT.fullmatch(b"/" + b"a_b" * 20_000 + b"a_" * 20_000 + end.encode()) is None or end in {
            "",
            "a",
            "_",
        }

    def test_a_piece_of_something_else_is_refused(self) -> None:
        check(b"_fr", HINT)
        with pytest.raises(ValueError, match="xyz is no part of data_frame"):
            check(b"xyz", HINT)
