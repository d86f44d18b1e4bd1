"""Holds a journal against its chain: finds every record that was changed, removed, inserted, moved or cut off.

A chain without a secret proves order and wholeness up to its end, and no more: whoever can write the folder can cut
records off its end, or write all of it anew. An anchor, which is a checkpoint or a head that was kept elsewhere, proves
everything up to its own record (decision 113).

After a break the check goes on: a later record counts as whole where its own hash is right, and takes up the chain
again. Findings are bounded, and those in a row are one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from proxy.journal.chain import GENESIS, Chain, Link, genesis, line_hash, place
from proxy.journal.findings import Anchor, Finding, Verified, What, joined
from proxy.journal.lines import Problem, batches
from proxy.journal.marks import Mark
from proxy.journal.query import at

# A journal that is broken everywhere needs no more lines than this to be known as such; the others are counted.
FINDINGS_LIMIT = 1000

_RETIRED = Mark.RETIRED.value.encode()


def verify(folder: Path, anchors: Iterable[Anchor] = (), *, limit: int = FINDINGS_LIMIT) -> Verified:
    """Check a whole journal, one block of it in memory at a time, also while it is written.

    Raises:
        JournalError: there is no such folder, or it cannot be read.
    """
    verifier = Verifier(anchors, limit)
    paths: set[Path] = set()
    for batch in batches(folder, verifier.unreadable, settle=True):
        paths.add(batch.path)
        verifier.lines(str(batch.path), batch.first, batch.lines)
        if batch.torn:
            verifier.torn(str(batch.path), batch.first, batch.torn)
    return verifier.result(len(paths))


@dataclass(frozen=True, slots=True)
class _Gap:
    """Records that are not there; `prev` is the hash that the next one says the last of them has."""

    first: int
    last: int
    prev: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class _Odd:
    """A line without a place that can be trusted: what was there was changed, or it was inserted."""

    path: str
    line: int
    what: What
    why: str


class _Retired(msgspec.Struct, frozen=True):
    """What a record says of a file that was deleted."""

    first_seq: int
    last_seq: int
    last_hash: str


class Verifier:
    """Takes lines in their order, and says in the end what is wrong with them. Reads nothing itself."""

    def __init__(self, anchors: Iterable[Anchor] = (), limit: int = FINDINGS_LIMIT) -> None:
        self._limit = limit
        self._anchors = list(anchors)
        self._awaited: dict[int, list[Anchor]] = {}
        for anchor in self._anchors:
            self._awaited.setdefault(anchor.seq, []).append(anchor)
        self._findings: list[Finding] = []
        self._more = 0
        self._gaps: list[_Gap] = []
        self._retired: list[_Retired] = []
        # Those of them that an anchor covers.
        self._proven: list[_Retired] = []
        self._due: Link | None = None
        # Hashes that the next record may follow; None: any, because the record before it cannot be read.
        self._prevs: frozenset[str] | None = frozenset()
        # The place that was due before a jump ahead, until a second record confirms the jump.
        self._jumped: Link | None = None
        self._odd: list[_Odd] = []
        self._before: list[_Odd] = []
        self._records = self._before_count = 0
        self._head: Anchor | None = None

    def lines(self, path: str, first: int, lines: Iterable[bytes]) -> None:
        """Check lines in a row of one file; `first` is the number of the first one."""
        for number, line in enumerate(lines, first):
            try:
                chain = place(line)
            except (ValueError, RecursionError):
                self._set_aside(_Odd(path, number, What.CHANGED, "it is no record"))
                continue
            if chain is None:
                self._unchained(path, number)
                continue
            own = line_hash(line)
            # In this order: of a record that was changed nothing else can be believed.
            if own != chain.hash:
                self._changed(path, number, chain, own)
            elif self._is_due(chain):
                self._take(path, number, line, chain)
            else:
                self._whole(path, number, line, chain)

    def _is_due(self, chain: Chain) -> bool:
        """Whether nothing is in doubt, and a record's place is the one that is due."""
        due, prevs = self._due, self._prevs
        if due is None or prevs is None or self._odd or self._jumped is not None:
            return False
        return chain.seq == due.seq and chain.prev in prevs and chain.journal == due.journal

    def unreadable(self, problem: Problem) -> None:
        """A file cannot be read."""
        self._add(Finding(What.UNREADABLE, str(problem.path), problem.line, problem.why))

    def torn(self, path: str, line: int, size: int) -> None:
        """A file ends with so many bytes without a newline."""
        why = f"{size} bytes without an end, as a crash leaves them; the gate sets them aside when it starts"
        self._add(Finding(What.TORN, path, line, why))

    def _unchained(self, path: str, number: int) -> None:
        odd = _Odd(path, number, What.INSERTED, "it has no place in the chain")
        if self._due is not None:
            self._set_aside(odd)
            return
        self._before_count += 1
        if len(self._before) < self._limit:
            self._before.append(odd)

    def _set_aside(self, odd: _Odd) -> None:
        if len(self._odd) < self._limit:
            self._odd.append(odd)
        else:
            self._more += 1

    def _changed(self, path: str, number: int, chain: Chain, own: str | None) -> None:
        """The line's own hash is wrong. Its number is believed where it is the one that is due."""
        why = "it is not what was written: its hash is another"
        due = self._due
        if due is None or self._odd or self._jumped or (chain.journal, chain.seq) != (due.journal, due.seq):
            self._set_aside(_Odd(path, number, What.CHANGED, why))
            return
        self._add(Finding(What.CHANGED, path, number, why, chain.seq, chain.seq))
        self._records += 1
        # What follows may follow either: the hash may have been changed, or all but the hash.
        self._due = chain.next
        self._prevs = frozenset({chain.hash, own or chain.hash})

    def _whole(self, path: str, number: int, line: bytes, chain: Chain) -> None:
        """A record that is whole in itself, and perhaps not at its place."""
        if self._due is None:
            self._due = genesis(chain.journal)
            self._prevs = frozenset((GENESIS,))
        if chain.journal != self._due.journal:
            self._set_aside(_Odd(path, number, What.JOURNAL, f"it is of the journal {chain.journal}"))
            return
        self._settle_jump(chain, self._due)
        if chain.seq < self._due.seq:
            self._settle_odd(0)
            why = "it was moved here, or is there twice: the records around it have other numbers"
            self._add(Finding(What.ORDER, path, number, why, chain.seq, chain.seq))
            return
        self._close_gap(path, number, chain, self._due)
        self._take(path, number, line, chain)

    def _settle_jump(self, chain: Chain, due: Link) -> None:
        """A record from far ahead that nothing follows was put in: the place that was due before is due again."""
        jumped, self._jumped = self._jumped, None
        if jumped is None or chain.seq == due.seq or chain.seq != jumped.seq:
            return
        gap = self._gaps.pop()
        why = "it was moved here, or is there twice: the records around it have other numbers"
        self._add(Finding(What.ORDER, gap.path, gap.line, why, gap.last + 1, gap.last + 1))
        self._due, self._prevs = jumped, frozenset((jumped.prev,)) if jumped.prev else None

    def _close_gap(self, path: str, number: int, chain: Chain, due: Link) -> None:
        """Records between the last one and this: changed beyond recognition where lines stand in their place, else
        missing; and whether this one follows what came before."""
        gap = chain.seq - due.seq
        lines = len(self._odd)
        self._settle_odd(gap, due.seq)
        if gap > lines:
            if len(self._gaps) < self._limit:
                self._gaps.append(_Gap(due.seq + lines, chain.seq - 1, chain.prev, path, number))
                # Until a second record confirms it, the jump may be one forged number.
                self._jumped = replace(due, prev=next(iter(self._prevs)) if self._prevs else "")
            else:
                self._more += 1
        # Behind a gap, and behind what cannot be read, there is nothing to compare with.
        elif gap == 0 and self._prevs is not None and chain.prev not in self._prevs:
            why = "it does not follow the record before it: one of the two was changed and hashed again"
            self._add(Finding(What.CHANGED, path, number, why, chain.seq, chain.seq))

    def _settle_odd(self, places: int, first: int = 0) -> None:
        """Tell of the lines that were set aside: `places` records from number `first` on should stand there."""
        odd, self._odd = self._odd, []
        for offset, one in enumerate(odd):
            seq = first + offset if offset < places else None
            what = What.INSERTED if seq is None else What.CHANGED
            self._add(Finding(one.what if one.what is What.JOURNAL else what, one.path, one.line, one.why, seq, seq))

    def _take(self, path: str, number: int, line: bytes, chain: Chain) -> None:
        """The record stands at its place, and what follows must follow it."""
        self._records += 1
        self._due = chain.next
        self._prevs = frozenset((chain.hash,))
        self._head = Anchor(chain.seq, chain.hash, f"{path}:{number}", chain.journal)
        if self._records == 1:
            self._check_before(line, chain)
        if _RETIRED in line:
            self._note_retired(line)
        for anchor in self._awaited.pop(chain.seq, ()):
            self._hold(path, number, chain, anchor)
            self._proven = [*self._retired]

    def _hold(self, path: str, number: int, chain: Chain, anchor: Anchor) -> None:
        if anchor.journal not in (None, chain.journal):
            why = f"{anchor.source} is of the journal {anchor.journal}, and this is {chain.journal}"
            self._add(Finding(What.JOURNAL, path, number, why, chain.seq, chain.seq))
        elif anchor.hash != chain.hash:
            why = f"its hash is not the one of {anchor.source}: this record, or one before it, was written anew"
            self._add(Finding(What.CHANGED, path, number, why, chain.seq, chain.seq))

    def _check_before(self, line: bytes, chain: Chain) -> None:
        """Whether records without a chain can have come before the first that has a place: its first one says so, and
        where that was retired, all before it was, too."""
        if chain.seq != 1:
            why = "it has no place in the chain, and what came before the chain was deleted with its beginning"
        elif at(msgspec.json.decode(line), "startgate", "admin", "journal", "before") == "nothing":
            why = "it has no place in the chain, and the journal began with nothing before it"
        else:
            return
        self._before_count -= len(self._before)
        for one in self._before:
            self._add(Finding(What.INSERTED, one.path, one.line, why))
        self._before.clear()

    def _note_retired(self, line: bytes) -> None:
        record: Mapping[str, Any] = msgspec.json.decode(line)
        if at(record, "event", "action") != Mark.RETIRED.value:
            return
        try:
            self._retired.append(msgspec.convert(at(record, "startgate", "admin", "journal"), _Retired))
        except msgspec.ValidationError:
            # A file from before the chain has no numbers.
            return

    def _add(self, finding: Finding) -> None:
        last = self._findings[-1] if self._findings else None
        if last is not None and (one := joined(last, finding)):
            self._findings[-1] = one
        elif len(self._findings) < self._limit:
            self._findings.append(replace(finding, last_line=finding.line))
        else:
            self._more += 1

    def result(self, files: int = 0) -> Verified:
        """What is wrong, in the order of the lines, once all of them were taken."""
        self._settle_odd(len(self._odd), self._due.seq if self._due else 1)
        retired, unproven = self._tell_missing()
        self._tell_cut()
        return Verified(
            records=self._records,
            before=self._before_count,
            retired=retired,
            unproven=unproven,
            files=files,
            anchors=len(self._anchors),
            journal=self._due.journal if self._due else None,
            head=self._head,
            findings=tuple(self._findings),
            more=self._more,
        )

    def _tell_missing(self) -> tuple[int, int]:
        """Tell of gaps, but for records that were deleted on record, or that are there at another place; how many were
        deleted, and of how many that stands behind the last anchor alone."""
        retired = unproven = 0
        marks, proven = ({one.last_seq: one for one in some} for some in (self._retired, self._proven))
        moved = [one for one in self._findings if one.what is What.ORDER]
        for gap in self._gaps:
            if _is_retired(gap, marks):
                retired += gap.last - gap.first + 1
                unproven += 0 if _is_retired(gap, proven) else gap.last - gap.first + 1
            elif not any(_covers(one, gap) for one in moved):
                why = "there should be records before this line"
                self._add(Finding(What.MISSING, gap.path, gap.line, why, gap.first, gap.last))
        return retired, unproven

    def _tell_cut(self) -> None:
        last = self._due.seq - 1 if self._due else 0
        beyond = [anchor for anchors in self._awaited.values() for anchor in anchors if anchor.seq > last]
        if beyond:
            furthest = max(beyond, key=lambda anchor: anchor.seq)
            where = self._head.source if self._head else "the journal"
            why = f"{furthest.source} knows of seq {furthest.seq}, and the journal ends at {last} ({where})"
            self._add(Finding(What.CUT, where, 0, why, last + 1, furthest.seq))


def _is_retired(gap: _Gap, marks: Mapping[int, _Retired]) -> bool:
    """Whether files whose deletion is on record, by the number of their last record, held exactly the records of a gap,
    up to the hash of the last. At the beginning older ones may be off record again: that went with a later file, and
    the gate deletes from the oldest on."""
    last, due = marks.get(gap.last), gap.last
    if last is None or last.last_hash != gap.prev:
        return False
    while (mark := marks.get(due)) is not None and mark.first_seq <= due:
        due = mark.first_seq - 1
    return due == gap.first - 1 or gap.first == 1


def _covers(moved: Finding, gap: _Gap) -> bool:
    first, last = moved.first_seq, moved.last_seq
    return first is not None and last is not None and first <= gap.first and gap.last <= last
