"""All files, or none."""

import os
from pathlib import Path

import pytest

from proxy.errors import ConfigError
from proxy.starter import place as module
from proxy.starter.model import secret, text
from proxy.starter.place import find_room, place

MADE = [secret("secrets/key", "new"), text("rules/a.yml", "a"), text("startgate.yml", "new")]


def fine(folder: Path) -> None:
    """What looks at the files sees all of them, at their places."""
    assert (folder / "startgate.yml").read_text() == "new"
    assert (folder / "rules/a.yml").read_text() == "a"


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_new_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert place(folder, MADE, fine) == ["secrets/key", "rules/a.yml", "startgate.yml"]
    assert tree(folder) == {"secrets/key": "new", "rules/a.yml": "a", "startgate.yml": "new"}
    assert [(folder / name).stat().st_mode & 0o777 for name in ("secrets", "secrets/key")] == [0o700, 0o600]
    assert [path.name for path in tmp_path.iterdir()] == ["new"], "nothing is left beside"


def test_an_empty_folder_stays_the_same_one(tmp_path: Path) -> None:
    """A shell may stand in it."""
    before = tmp_path.stat().st_ino
    place(tmp_path, MADE, fine)
    assert tmp_path.stat().st_ino == before
    assert set(tree(tmp_path)) == {"secrets/key", "rules/a.yml", "startgate.yml"}


def test_secrets_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/key").write_text("old")
    (tmp_path / "startgate.yml").write_text("old")
    (tmp_path / "mine").write_text("mine")
    assert place(tmp_path, MADE, fine) == ["rules/a.yml", "startgate.yml"]
    assert tree(tmp_path) == {"secrets/key": "old", "rules/a.yml": "a", "startgate.yml": "new", "mine": "mine"}


@pytest.mark.parametrize("exists", [True, False])
def test_what_does_not_pass_is_not_put(tmp_path: Path, exists: bool) -> None:
    def refuse(_: Path) -> None:
        raise ConfigError([])

    folder = tmp_path / "new"
    if exists:
        folder.mkdir()
        (folder / "startgate.yml").write_text("old")
    with pytest.raises(ConfigError):
        place(folder, MADE, refuse)
    assert tree(tmp_path) == ({"new/startgate.yml": "old"} if exists else {})
    assert folder.exists() is exists


def test_where_one_cannot_be_put_all_go_back(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("a file in the place of a folder")
    (tmp_path / "secrets").mkdir()
    with pytest.raises(OSError, match="exists"):
        place(tmp_path, MADE, fine)
    assert tree(tmp_path) == {"rules": "a file in the place of a folder"}


def test_where_the_last_cannot_be_put_what_was_there_is_again(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    (folder / "rules").mkdir(parents=True)
    (folder / "rules/a.yml").write_text("old")

    def spoil(new: Path) -> None:
        # As if the disk had lost it between the look and the move.
        (new / "startgate.yml").unlink()

    with pytest.raises(FileNotFoundError):
        place(folder, MADE, spoil)
    assert tree(folder) == {"rules/a.yml": "old"}
    assert [path.name for path in folder.iterdir()] == ["rules"]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda folder: folder.write_text(""), "is there, and is no folder"),
        (lambda folder: (folder.mkdir(), (folder / "a").write_text("")), "is not empty (a)"),
        (lambda folder: None, None),
    ],
)
def test_there_is_room_or_not(tmp_path: Path, make: object, text: str | None) -> None:
    assert callable(make)
    folder = tmp_path / "new"
    make(folder)
    if text is None:
        find_room(folder, force=False)
        return
    with pytest.raises(ConfigError) as caught:
        find_room(folder, force=False)
    assert text in str(caught.value)


def test_force_takes_what_is_not_empty(tmp_path: Path) -> None:
    for name in "abcdef":
        (tmp_path / name).write_text("")
    find_room(tmp_path, force=True)
    with pytest.raises(ConfigError, match=r"\(a, b, c, d, e, …\)"):
        find_room(tmp_path, force=False)


def test_only_the_last_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the last folder of the path alone is made"):
        find_room(tmp_path / "a" / "b", force=False)


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anywhere: the system's answer is what is made up."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match="permission denied"):
        find_room(tmp_path, force=False)
    assert module.PREFIX.startswith(".")
