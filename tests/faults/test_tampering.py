"""Over a thousand edits of a journal of several files: every one is found. What is done to its end alone needs
an anchor that was kept elsewhere, and is found with one.

Everything follows from a seed: edit number n is the same in every run.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from proxy.journal import marks
from proxy.journal.chain import Link, genesis, seal
from proxy.journal.entry import Phase, frame
from proxy.journal.findings import Anchor, What
from proxy.journal.verify import verify

EDITS = 1200
FILES = 4
PER_FILE = 12
JOURNAL = "a-journal-of-its-own-0"


@dataclass(frozen=True)
class Made:
    """A journal as lines by file, and its head."""

    files: tuple[tuple[bytes, ...], ...]
    head: Anchor


def made(journal: str = JOURNAL, files: int = FILES, per_file: int = PER_FILE) -> Made:
    """A journal of `files` files with so many lines each, as the writer makes it."""
    link, written = genesis(journal), []
    for file in range(files):
        lines: list[bytes] = []
        for number in range(per_file):
            line, link = seal(_record(file, number), link)
            lines.append(line)
        written.append(tuple(lines))
    return Made(tuple(written), Anchor(link.seq - 1, link.prev, "the head", journal))


def _record(file: int, number: int) -> dict[str, object]:
    id = f"{file:04x}{number:04x}" + "0" * 24
    name = f"starts-{file + 1:06d}.jsonl"
    if number == 0 and file == 0:
        return marks.opened(id, 0, file=name, before="nothing", torn=None, notes=())
    if number == 0:
        return marks.rotated(id, 0, file=name, after=f"starts-{file:06d}.jsonl", size_bytes=1, reason="size")
    record = frame(Phase.OUTCOME, id, 1_700_000_000_000 + number, outcome="failure", reason='it says "no" to ünser')
    record["user"] = {"name": "anna"}
    return record


Files = list[list[bytes]]
Edit = Callable[[random.Random, Files], None]


def bit(chance: random.Random, files: Files) -> None:
    """One bit of one byte, the last newline left alone: it has no record behind it."""
    file, line = chance.choice([(f, n) for f, lines in enumerate(files) for n in range(len(lines))])
    data = bytearray(files[file][line])
    end = len(data) - (file == len(files) - 1 and line == len(files[file]) - 1)
    data[chance.randrange(end)] ^= 1 << chance.randrange(8)
    files[file][line] = bytes(data)


def swap_bytes(chance: random.Random, files: Files) -> None:
    """Two different bytes of one line."""
    file = chance.randrange(len(files))
    line = chance.randrange(len(files[file]))
    data = bytearray(files[file][line])
    one = chance.randrange(len(data) - 1)
    other = chance.choice([place for place in range(len(data) - 1) if data[place] != data[one]])
    data[one], data[other] = data[other], data[one]
    files[file][line] = bytes(data)


def swap_lines(chance: random.Random, files: Files) -> None:
    """Two lines, of one file or of two."""
    (f1, n1), (f2, n2) = chance.sample([(f, n) for f in range(len(files)) for n in range(len(files[f]))], 2)
    files[f1][n1], files[f2][n2] = files[f2][n2], files[f1][n1]


def cut_bytes(chance: random.Random, files: Files) -> None:
    """Some bytes out of the middle of a line."""
    file = chance.randrange(len(files))
    line = chance.randrange(len(files[file]))
    data = files[file][line]
    start = chance.randrange(len(data) - 2)
    files[file][line] = data[:start] + data[chance.randrange(start + 1, len(data) - 1) :]


def cut_lines(chance: random.Random, files: Files) -> None:
    """Lines, but not those at the very end."""
    file = chance.randrange(len(files))
    last = len(files[file]) - (file == len(files) - 1)
    start = chance.randrange(last)
    del files[file][start : chance.randint(start + 1, last)]


def insert_bytes(chance: random.Random, files: Files) -> None:
    """Any bytes anywhere in a line."""
    file = chance.randrange(len(files))
    line = chance.randrange(len(files[file]))
    data = files[file][line]
    place = chance.randrange(len(data))
    files[file][line] = data[:place] + chance.randbytes(chance.randint(1, 20)) + data[place:]


def insert_line(chance: random.Random, files: Files) -> None:
    """A line of somebody's own: garbage, an empty one, one without a place, or one of another journal."""
    forged, _ = seal(_record(9, 9), Link("another-journal-00000", chance.randint(1, 60), "0" * 64))
    unchained = msgspec.json.encode(_record(9, 9)) + b"\n"
    ours, _ = seal(_record(9, 9), Link(JOURNAL, chance.randint(1, 10**9), chance.randbytes(32).hex()))
    file = chance.randrange(len(files))
    line = chance.choice([b"\n", b"{}\n", b"garbage\n", b"\0" * 50 + b"\n", unchained, forged, ours])
    files[file].insert(chance.randrange(len(files[file]) + 1), line)


def forge_in_place(chance: random.Random, files: Files) -> None:
    """A record of somebody's own with the number and the hash before it that are right, put in before the true one."""
    file = chance.randrange(len(files))
    place = chance.randrange(len(files[file]))
    chain = msgspec.json.decode(files[file][place])["startgate"]["chain"]
    forged, _ = seal(_record(9, 9), Link(JOURNAL, chain["seq"], chain["prev"]))
    files[file].insert(place, forged)


def double(chance: random.Random, files: Files) -> None:
    """A line once more, beside itself or elsewhere."""
    line = chance.choice(chance.choice(files))
    target = chance.choice(files)
    target.insert(chance.randrange(len(target) + 1), line)


def hash_again(chance: random.Random, files: Files) -> None:
    """A record changed, and its own hash made right; not the last, behind which there is none."""
    file = chance.randrange(len(files))
    line = chance.randrange(len(files[file]) - (file == len(files) - 1))
    record = msgspec.json.decode(files[file][line])
    chain = record["startgate"]["chain"]
    record["user"] = {"name": "somebody else"}
    link = Link(chain["journal"], chain["seq"] + chance.choice([0, 0, 0, 1, 1000]), chain["prev"])
    files[file][line], _ = seal(record, link)


def replay(chance: random.Random, files: Files) -> None:
    """An old file once more, as the newest or in another's place."""
    old = list(chance.choice(files[:-1]))
    if chance.random() < 0.5:
        files.append(old)
    else:
        files[chance.choice([place for place, lines in enumerate(files) if lines != old])] = old


def rename(chance: random.Random, files: Files) -> None:
    """Files under each other's names."""
    one, other = chance.sample(range(len(files)), 2)
    files[one], files[other] = files[other], files[one]


def remove(chance: random.Random, files: Files) -> None:
    """A whole file, but not the last one."""
    files[chance.randrange(len(files) - 1)] = []


def strip(chance: random.Random, files: Files) -> None:
    """The place taken out of one record, so that it looks like an old version's."""
    file = chance.randrange(len(files))
    line = chance.randrange(len(files[file]))
    record = msgspec.json.decode(files[file][line])
    del record["startgate"]["chain"]
    files[file][line] = msgspec.json.encode(record) + b"\n"


EDITORS: tuple[Edit, ...] = (
    *(bit, bit, bit, swap_bytes, swap_lines, cut_bytes, cut_lines, insert_bytes, insert_line, forge_in_place),
    *(double, hash_again, replay, rename, remove, strip),
)


def write(folder: Path, files: Iterable[Iterable[bytes]]) -> Path:
    """The files as a journal's, in place of those that are there; one without a line is left out."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, lines in enumerate(files, 1):
        if data := b"".join(lines):
            (folder / f"starts-{number:06d}.jsonl").write_bytes(data)
    return folder


def test_every_edit_is_found(tmp_path: Path) -> None:
    journal = made()
    missed, without_place = [], []
    for number in range(EDITS):
        chance = random.Random(number)  # noqa: S311 -- made-up edits, no secret
        files = [list(lines) for lines in journal.files]
        edit = EDITORS[number % len(EDITORS)]
        edit(chance, files)
        assert [list(lines) for lines in journal.files] != files, f"edit {number} changed nothing"
        found = verify(write(tmp_path, files))
        if found.whole:
            missed.append(f"{number}: {edit.__name__}")
        without_place += [f"{number}: {one}" for one in found.findings if not (one.path and one.line)]
    assert missed == []
    assert without_place == [], "each is told with file and line"


def test_a_journal_as_it_was_written_is_whole(tmp_path: Path) -> None:
    journal = made()
    found = verify(write(tmp_path, journal.files), [journal.head])
    assert found.findings == ()
    assert (found.records, found.files, found.before) == (FILES * PER_FILE, FILES, 0)
    assert found.head is not None
    assert (found.head.seq, found.head.hash) == (journal.head.seq, journal.head.hash)


@pytest.mark.parametrize("records", [1, 5, PER_FILE, PER_FILE + 3, FILES * PER_FILE - 1])
def test_a_cut_at_the_end_is_found_by_an_anchor_and_by_nothing_else(tmp_path: Path, records: int) -> None:
    journal = made()
    left = [line for lines in journal.files for line in lines][:-records]
    folder = write(tmp_path, [left[start : start + PER_FILE] for start in range(0, len(left), PER_FILE)])
    assert verify(folder).whole
    (finding,) = verify(folder, [journal.head]).findings
    assert finding.what is What.CUT
    assert (finding.first_seq, finding.last_seq) == (len(left) + 1, journal.head.seq)


def test_a_journal_written_anew_is_found_by_an_anchor_and_by_nothing_else(tmp_path: Path) -> None:
    """Who can write the folder can hash everything again: without a secret the chain cannot know."""
    journal = made()
    link, lines = genesis(JOURNAL), []
    for line in (line for lines in journal.files for line in lines):
        record = msgspec.json.decode(line)
        if "user" in record:
            record["user"] = {"name": "somebody else"}
        sealed, link = seal(record, link)
        lines.append(sealed)
    folder = write(tmp_path, [lines])
    assert verify(folder).whole
    (finding,) = verify(folder, [journal.head]).findings
    assert (finding.what, finding.first_seq) == (What.CHANGED, journal.head.seq)
    early = Anchor(3, msgspec.json.decode(journal.files[0][2])["startgate"]["chain"]["hash"], "a checkpoint")
    assert [one.first_seq for one in verify(folder, [early]).findings] == [3]


def test_the_last_record_alone_hashed_again_needs_an_anchor(tmp_path: Path) -> None:
    journal = made()
    record = msgspec.json.decode(journal.files[-1][-1])
    chain = record["startgate"]["chain"]
    record["user"] = {"name": "somebody else"}
    forged, _ = seal(record, Link(chain["journal"], chain["seq"], chain["prev"]))
    folder = write(tmp_path, [*journal.files[:-1], (*journal.files[-1][:-1], forged)])
    assert verify(folder).whole
    assert [one.what for one in verify(folder, [journal.head]).findings] == [What.CHANGED]
