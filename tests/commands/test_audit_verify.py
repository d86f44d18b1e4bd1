"""`startgate audit verify`."""

import json
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proxy.journal.chain import Link, line_hash, place
from proxy.journal.checkpoints import sign
from proxy.journal.marks import retired
from tests.commands.running import invoke
from tests.journal.making import encode, opened, record, sealed, write

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
FOREIGN = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"1")


def pem(key: Ed25519PrivateKey) -> bytes:
    """The public key as a file holds it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def head(tmp_path: Path) -> Link:
    """A journal of ten records, with its checkpoints and the public key beside it; the place after the last record."""
    lines, link = sealed([opened(), *(record(f"r{number}") for number in range(2, 11))])
    write(tmp_path / "journal", lines[:5], lines[5:])
    early = sealed([opened(), record("r2"), record("r3")])[1]
    signed = [msgspec.json.encode(sign(KEY, at, 1000)) for at in (early, link)]
    Path("anchored.jsonl").write_bytes(b"\n".join(signed) + b"\n")
    Path("key.pub").write_bytes(pem(KEY))
    return link


def cut(records: int) -> None:
    """Take records off the end."""
    path = Path("journal/starts-000002.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-records]))


ANCHORED = ("--checkpoint", "anchored.jsonl", "--key", "key.pub")


def test_a_whole_journal(head: Link) -> None:
    result = invoke("audit", "verify")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "10 records in 2 files: whole",
        f"head: 10:{head.prev} (journal {head.journal})",
        "nothing was given that was kept elsewhere (--checkpoint, --head): a cut at the end would not show",
    ]
    assert invoke("audit", "verify", *ANCHORED, "--head", f"10:{head.prev}").output.splitlines() == [
        "10 records in 2 files: whole",
        f"head: 10:{head.prev} (journal {head.journal})",
    ]


def test_a_deletion_that_is_on_record_behind_the_head_is_told(tmp_path: Path) -> None:
    lines, link = sealed([opened(), *(record(f"r{number}") for number in range(2, 11))])
    places = [place(line) for line in lines]
    mark = retired("x", 0, file="f", size_bytes=1, first=places[0], last=places[4], reason="age")
    write(tmp_path / "journal", [], lines[5:] + sealed([mark], link)[0])
    text = "5 of them on record only behind what was given: a newer checkpoint or head proves that the gate did it"
    for seq, told in ((9, True), (11, False)):
        line = (tmp_path / "journal" / "starts-000002.jsonl").read_bytes().splitlines()[seq - 6]
        result = invoke("audit", "verify", "--head", f"{seq}:{line_hash(line)}")
        assert result.exit_code == 0
        assert "5 records deleted by the gate, and that is on record" in result.output
        assert (text in result.output) is told


def test_damage_is_told_by_file_and_line(head: Link) -> None:
    path = Path("journal/starts-000001.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"r3"', b'"r7"'))
    result = invoke("audit", "verify", "--journal", "journal")
    assert result.exit_code == 1
    assert result.output.splitlines()[:2] == [
        "journal/starts-000001.jsonl:3: changed, seq 3: it is not what was written: its hash is another",
        "10 records in 2 files: NOT WHOLE, 1 finding",
    ]


@pytest.mark.parametrize("by", ["checkpoint", "head"])
def test_a_cut_at_the_end_is_found_by_what_was_kept_elsewhere(head: Link, by: str) -> None:
    cut(2)
    assert invoke("audit", "verify").exit_code == 0
    result = invoke("audit", "verify", *(ANCHORED if by == "checkpoint" else ("--head", f"10:{head.prev}")))
    assert result.exit_code == 1
    assert "cut short, seq 9-10: the " in result.output
    assert "knows of seq 10, and the journal ends at 8" in result.output


def test_a_checkpoint_of_another_record_is_told(head: Link) -> None:
    result = invoke("audit", "verify", "--head", "4:" + "0" * 64)
    assert result.exit_code == 1
    assert "changed, seq 4: its hash is not the one of the head that was given" in result.output


@pytest.mark.parametrize(
    ("content", "key", "why"),
    [
        (b"", KEY, "holds no checkpoint"),
        (b"{}\n", KEY, "anchored.jsonl:1 is no checkpoint"),
        (b"\xff\n", KEY, "anchored.jsonl cannot be read"),
        (None, FOREIGN, "anchored.jsonl:1 is not signed by the key"),
        (None, None, "the file of --key"),
    ],
)
def test_checkpoints_that_prove_nothing(
    head: Link, content: bytes | None, key: Ed25519PrivateKey | None, why: str
) -> None:
    if content is not None:
        Path("anchored.jsonl").write_bytes(content)
    Path("key.pub").write_bytes(b"no key" if key is None else pem(key))
    result = invoke("audit", "verify", *ANCHORED)
    assert (result.exit_code, why in result.stderr) == (2, True), result.stderr


def test_a_checkpoint_that_a_crash_cut_short_hides_no_other(head: Link) -> None:
    path = Path("anchored.jsonl")
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:50] + b"\n" + second)
    result = invoke("audit", "verify", *ANCHORED)
    assert (result.exit_code, result.stderr) == (
        0,
        "anchored.jsonl:2 is cut short, as a crash leaves it: passed over\n",
    )
    cut(1)
    assert "cut short, seq 10" in invoke("audit", "verify", *ANCHORED).output


def test_a_changed_checkpoint_is_not_signed(head: Link) -> None:
    path = Path("anchored.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"seq":10', b'"seq":11'))
    assert "anchored.jsonl:2 is not signed by the key" in invoke("audit", "verify", *ANCHORED).stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--checkpoint", "anchored.jsonl"], "--checkpoint and --key go together"),
        (["--key", "key.pub"], "--checkpoint and --key go together"),
        (["--head", "10"], "'10' is no number and hash such as"),
        (["--head", "0:" + "0" * 64], "is no number and hash such as"),
        (["--checkpoint", "nowhere", "--key", "key.pub"], "nowhere cannot be read: No such file"),
        (["--journal", "nowhere"], "there is no journal at nowhere"),
        (["--journal", "key.pub"], "key.pub is no folder, and a journal is one"),
    ],
)
def test_what_cannot_be_asked(head: Link, arguments: list[str], why: str) -> None:
    result = invoke("audit", "verify", *arguments)
    assert (result.exit_code, why in result.stderr) == (2, True), result.stderr


def test_all_of_it_as_json(head: Link) -> None:
    cut(2)
    told = json.loads(invoke("audit", "verify", "--json", "--head", f"10:{head.prev}").output)
    assert (told["records"], told["head"]["seq"], told["findings"][0]["what"]) == (8, 8, "cut short")
    assert (told["findings"][0]["first_seq"], told["findings"][0]["last_seq"]) == (9, 10)


def test_a_journal_of_an_older_version(tmp_path: Path) -> None:
    write(tmp_path / "journal", [encode(record("a"))])
    result = invoke("audit", "verify")
    assert result.exit_code == 0
    assert result.output.splitlines()[:2] == [
        "0 records in 1 file: there is no chain",
        "1 record from before the chain: what an older version wrote, nothing proves",
    ]


@pytest.mark.parametrize("arguments", [(), ("--head", f"1:{'0' * 64}")])
def test_a_folder_without_a_journal_is_not_whole(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "lock").touch()
    result = invoke("audit", "verify", *arguments)
    assert result.exit_code == (1 if arguments else 2)
    assert ("holds no journal" in result.stderr) is not bool(arguments)
