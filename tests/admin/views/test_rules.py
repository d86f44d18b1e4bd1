"""The rules as they are shown, by a true gate."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from proxy.admin.api import ApiError, Role, Viewer
from proxy.admin.shown.rules import TryCase
from proxy.admin.views import rules as module
from proxy.admin.views.rules import FAULTS_TOLD, RulesView
from proxy.gate.standing import Outcome, RuleText
from proxy.gate.trial import CASE_BYTES
from proxy.rules import load
from proxy.rules.seal import sealed
from tests.admin.views.asking import READER, WRITER, Asked, asked
from tests.cases.trials import CASE, HOSTILE
from tests.stack import SHIPPED_RULES

GUARD = """
  guards:
    - id: no-nights
      mode: shadow
      deny: job.id == 'outliers'
      message: Not this one.
"""


@dataclass
class Scene:
    """All parts, and the file of the rules."""

    parts: Asked
    file: Path

    @property
    def view(self) -> RulesView:
        """What is tested."""
        return self.parts.rules

    def write(self, text: str) -> None:
        """Another text, renamed over the old one."""
        beside = self.file.with_name(".new")
        beside.write_text(text)
        beside.rename(self.file)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    folder = tmp_path / "rules"
    folder.mkdir()
    file = folder / "start.yml"
    text = (SHIPPED_RULES / "start.yml").read_text() + GUARD
    file.write_text(text)
    file.write_text(sealed(text, load(file, draft=True).seal))
    async with asked(tmp_path, folder) as parts:
        yield Scene(parts, file)


async def test_all_is_told(scene: Scene) -> None:
    found = await scene.view.rules(READER)
    assert found.path == str(scene.file.parent)
    (file,) = found.files
    assert (file.path, file.text, file.changed, file.left_out) == (
        str(scene.file),
        scene.file.read_text(),
        False,
        False,
    )
    assert [one.outcome for one in found.attempts] == [Outcome.LOADED]
    assert found.last_attempt == found.attempts[0]
    assert {one.id for one in found.counts} >= {"cluster.manage_ml", "no-nights"}
    assert found.counts_since.endswith("Z")


async def test_what_starts_came_to_is_counted(scene: Scene) -> None:
    await scene.parts.job()
    nobody = scene.parts.viewer("nobody")
    assert (await scene.parts.stack.start("outliers")).status == 200
    await scene.parts.stack.ended("outliers")
    scene.parts.stack.cluster.add_role("onlooker", {"cluster": ["monitor_ml"]})
    bob = scene.parts.viewer("bob", "onlooker")
    for who in (nobody, bob, bob):
        assert (await scene.parts.stack.start("outliers", who.authorization)).status == 403
    counts = {one.id: one for one in (await scene.view.rules(READER)).counts}
    # Whom the cluster shows no job is not judged.
    ml, guard = counts["cluster.manage_ml"], counts["no-nights"]
    assert (ml.judged, ml.denied, ml.would_deny) == (3, 2, 0)
    assert (guard.judged, guard.denied, guard.would_deny, guard.mode) == (3, 0, 3, "shadow")
    assert guard.rule.startswith(f"{scene.file}:")
    assert guard.last > ml.last[:10]


async def test_files_that_changed_are_marked_until_they_are_read(scene: Scene) -> None:
    before = scene.file.read_text()
    scene.write(before + "# more\n")
    (file,) = (await scene.view.rules(READER)).files
    assert (file.text, file.changed) == (before, True)
    attempt = await scene.view.reload(WRITER)
    assert attempt.outcome is Outcome.UNCHANGED, "a comment means nothing"
    (file,) = (await scene.view.rules(READER)).files
    assert (file.text, file.changed) == (before + "# more\n", False)
    scene.file.rename(scene.file.with_name("gone"))
    assert (await scene.view.rules(READER)).files[0].changed


async def test_a_reload_is_recorded_with_who_asked(scene: Scene) -> None:
    scene.write("version: 7")
    attempt = await scene.view.reload(replace(WRITER, name="car\u202eol\n"))
    assert attempt.refused
    process = f"user {os.geteuid()}, process {os.getpid()}"
    assert attempt.by == f"car\\u202eol\\n of the realm native1, by way of {process}"
    found = await scene.view.rules(READER)
    assert found.attempts[0] == found.last_attempt == attempt


async def test_a_case_is_judged_by_the_rules_in_force(scene: Scene) -> None:
    tried = await scene.view.try_case(READER, TryCase(case=CASE))
    assert (tried.verdict, tried.status, tried.differences) == ("allowed", 200, ())
    assert tried.revision == (await scene.view.rules(READER)).revision
    (shadow,) = [one for one in tried.judgements if one.mode == "shadow"]
    assert (shadow.held, shadow.rule.startswith(f"{scene.file}:")) == (False, True)
    assert tried.plan["step"] == "create"
    assert scene.parts.stack.all_recorded() == [], "nothing is recorded"
    assert scene.parts.stack.cluster.calls == [], "and nothing asked"


# All of them are in the tests of the process itself.
@pytest.mark.parametrize("name", ["a bomb", "deep", "half", "two cases"])
async def test_what_is_no_case_is_refused_with_places(scene: Scene, name: str) -> None:
    with pytest.raises(ApiError) as caught:
        await scene.view.try_case(READER, TryCase(case=HOSTILE[name]))
    assert caught.value.status == 422
    assert caught.value.where.startswith("case:")
    assert len(caught.value.reason) < 20_000


async def test_of_many_faults_the_first_are_told(scene: Scene) -> None:
    text = "\n".join(f"k{number}: 1" for number in range(FAULTS_TOLD * 2))
    with pytest.raises(ApiError, match=r"1:1: .*; and \d+ more$"):
        await scene.view.try_case(READER, TryCase(case=text))


async def test_a_case_that_is_too_long(scene: Scene) -> None:
    with pytest.raises(ApiError) as caught:
        await scene.view.try_case(READER, TryCase(case="ä" * (CASE_BYTES // 2 + 1)))
    assert (caught.value.status, caught.value.where) == (413, "case")


async def test_one_case_at_a_time(scene: Scene) -> None:
    found = await asyncio.gather(
        *(scene.view.try_case(READER, TryCase(case=CASE)) for _ in range(8)), return_exceptions=True
    )
    told = [one for one in found if not isinstance(one, BaseException)]
    refused = [one for one in found if isinstance(one, ApiError)]
    assert len(told) >= 1
    assert len(told) + len(refused) == 8
    assert {one.status for one in refused} <= {429}


@pytest.mark.parametrize("role", [Role.ANYBODY, Role.OWN, Role.READ])
async def test_who_may_do_what(role: Role, tmp_path: Path) -> None:
    viewer, view = Viewer(name="x", realm="r", role=role), RulesView(tmp_path / "gone.sock")
    expected = 503 if role is Role.READ else 403
    for asking in (view.rules(viewer), view.try_case(viewer, TryCase(case=CASE))):
        with pytest.raises(ApiError) as caught:
            await asking
        assert caught.value.status == expected
    with pytest.raises(ApiError) as caught:
        await view.reload(viewer)
    assert caught.value.status == 403


@pytest.mark.parametrize("there", [True, False])
async def test_where_no_gate_answers(there: bool, tmp_path: Path) -> None:
    view = RulesView(tmp_path / "gone.sock" if there else None)
    for asking in (view.rules(WRITER), view.reload(WRITER), view.try_case(WRITER, TryCase(case=CASE))):
        with pytest.raises(ApiError, match="no gate answers" if there else "no control socket") as caught:
            await asking
        assert caught.value.status == 503


def test_a_file_is_compared_with_what_was_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_bytes("\ufeffversion: 1 # ü".encode())
    read = RuleText(path=str(file), text="version: 1 # ü")
    assert not module._differs(read)
    assert module._differs(replace(read, text="version: 1"))
    assert not module._differs(replace(read, text="", left_out=True))
    shutil.rmtree(tmp_path)
    assert module._differs(read)
