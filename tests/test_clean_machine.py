"""From a machine with nothing on it to the first granted start, by the README alone: its commands, in its order.

What a command prints is looked at where the README promises something. Besides, the commands of other pages that
install something are run there, since they would change the machine that tests run on. It is the last commit that is
cloned, as a reader would have it.
"""

import re
from collections.abc import Iterator

import pytest

from tests.clean_machine import Machine, interrupt, machine, possible
from tests.doc_commands import CLEAN_MACHINE, DOCUMENTS, ROOT, Told, fitted, left, told
from tests.real.conftest import require_real
from tests.real.versions import CannotRun

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

README = ROOT / "README.md"
# A reader's own names and passwords, and what they are here.
PLACES = {
    r"<this repository>": "/srv/startgate.git",
    r" -u elastic ": " -u elastic:changeme ",
    # The name stands for what is cloned there: what an index has under it is another's.
    r"'startgate\[traces\]'": "'.[traces]'",
    # All the tests take long. That they begin, and a few pass, shows that nothing is missing for them.
    r"^(make test(-fast)?)$": r"PYTEST_ARGS='-q tests/test_errors.py tests/route' \1",
}
# What stays up, until when it is waited for, and whether the reader ends it before going on.
STAYS = {
    r"make demo$": (r"All of it stays up", True),
    r"startgate embedded$": (r"cluster ready", False),
    r"startgate serve$": (r"127\.0\.0\.1:9400[\s\S]*journal", False),
}
# All else has no network.
FETCHES = r"apt-get |git clone |make setup|.*pip install "
# What is promised of a command.
PROMISED = {
    r"make demo$": r"3\. Granted[\s\S]*200 acknowledged: True[\s\S]*6\. On record[\s\S]*granted  200     anna",
    r"make test(-fast)?$": r"\d+ passed",
    r"curl .*_start$": r"HTTP/1\.1 200 [\s\S]*(?i:x-startgate-receipt): [0-9a-f]+[\s\S]*\"acknowledged\": ?true",
    r"startgate audit list$": r"granted +200 +elastic +try +try-outliers \(created\)",
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with nothing on it."""
    if (reason := possible()) is not None:
        pytest.skip(f"no clean machine can be had here: {reason}")
    try:
        with machine(tmp_path_factory.mktemp("clean") / "machine", ROOT) as made:
            yield made
    except CannotRun as reason:
        if require_real():
            pytest.fail(f"no clean machine can be made here: {reason}", pytrace=False)
        pytest.skip(f"no clean machine can be made here: {reason}")


def row(text: str, table: dict[str, str]) -> str:
    """What a table has for a command; nothing is asked of others."""
    return next((value for pattern, value in table.items() if re.match(pattern, text)), "")


def carry_out(one: Told, clean: Machine) -> str:
    """Runs a command as it stands in its document, and gives what it printed; fails where it fails."""
    text = fitted(one.text, PLACES)
    for pattern, (until, ends) in STAYS.items():
        if re.match(pattern, text):
            begun, printed = clean.stay(text, until)
            if ends:
                interrupt(begun)
            return printed
    done = clean.run(text, network=re.match(FETCHES, text) is not None)
    assert done.returncode == 0, f"{one}\nexit status {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def walked(clean: Machine) -> list[tuple[Told, str]]:
    """Every command of the README, carried out in its order, with what it printed."""
    return [(one, carry_out(one, clean)) for one in told(README)]


def test_from_nothing_to_the_first_granted_start_by_the_readme(walked: list[tuple[Told, str]]) -> None:
    for one, printed in walked:
        assert re.search(row(one.text, PROMISED), printed), f"{one}\n{printed[-4000:]}"
    for pattern in (*STAYS, *PROMISED):
        assert any(re.match(pattern, one.text) for one, _ in walked), f"the README has no {pattern}"


@pytest.mark.usefixtures("walked")
def test_what_other_pages_install_can_be_installed(clean: Machine) -> None:
    """In the folder and the environment in which the README leaves its reader."""
    pages = [document for document in DOCUMENTS if document != README]
    commands = [one for page in pages for one in told(page) if re.match(FETCHES, one.text)]
    ours = [one for one in commands if (reason := left(one.text)) is not None and reason.by == CLEAN_MACHINE]
    assert ours
    for one in ours:
        carry_out(one, clean)
