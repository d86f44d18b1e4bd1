"""What is done gets onto the record, or is not done."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.admin.access.acts import Acts, act_of
from proxy.admin.api import ApiError, Role, Viewer
from proxy.control.acts import EXPORT, SIGN_IN, SIGN_OUT, VERIFY, Act
from proxy.errors import CannotServe
from tests.admin.visiting import visiting

ANN = Viewer(name="ann", realm="native1", role=Role.READ)


class Book:
    """Takes acts, or refuses to."""

    def __init__(self) -> None:
        self.taken: list[Act] = []
        self.closed = False

    async def record(self, act: Act) -> None:
        """As the gate's."""
        if self.closed:
            raise CannotServe(3, "no gate answers")
        self.taken.append(act)


def test_an_act_names_who_and_from_where() -> None:
    act = act_of(EXPORT, ANN, "192.0.2.1", asked=("form=csv",), asked_user="bob")
    assert (act.by, act.realm, act.role, act.address) == ("ann", "native1", "read", "192.0.2.1")
    assert (act.asked, act.asked_user) == (("form=csv",), "bob")


def test_what_it_tells_is_short_and_can_be_told() -> None:
    act = act_of(EXPORT, ANN, "", asked=("x" * 10_000,), asked_user="\ud800")
    assert len(act.asked[0]) < 600
    assert act.asked[0].endswith("…[10000 characters]")
    assert act.asked_user == "\\ud800"


async def test_without_a_record_nothing_is_done() -> None:
    book = Book()
    all_acts = Acts(book.record)
    await all_acts.done(act_of(VERIFY, ANN, ""))
    book.closed = True
    with pytest.raises(ApiError, match="nothing is done that is not on record") as caught:
        await all_acts.done(act_of(VERIFY, ANN, ""))
    assert caught.value.status == 503
    assert [act.action for act in book.taken] == [VERIFY]


async def test_failed_sign_ins_are_folded() -> None:
    book = Book()
    all_acts = Acts(book.record)
    for _ in range(1000):
        all_acts.failed("192.0.2.1", "wrong")
    all_acts.failed("192.0.2.2", "wrong")
    await all_acts.close()
    told = [(act.address, act.count, act.outcome) for act in book.taken]
    assert told == [("192.0.2.1", 1, "failure"), ("192.0.2.2", 1, "failure"), ("192.0.2.1", 999, "failure")]
    assert {act.action for act in book.taken} == {SIGN_IN}


async def test_one_viewer_fills_no_journal() -> None:
    book = Book()
    all_acts = Acts(book.record, per_minute=3)
    statuses = []
    for _ in range(5):
        try:
            await all_acts.done(act_of(EXPORT, ANN, ""))
            statuses.append(200)
        except ApiError as error:
            statuses.append(error.status if 1 <= int(error.headers["Retry-After"]) <= 60 else 0)
    assert statuses == [200] * 3 + [429] * 2
    await all_acts.done(act_of(EXPORT, replace(ANN, realm="ldap1"), ""))
    await all_acts.done(act_of(SIGN_OUT, ANN, ""))
    assert len(book.taken) == 5


async def test_a_name_that_is_guessed_at_is_on_record() -> None:
    book = Book()
    all_acts = Acts(book.record)
    for n in range(5):
        all_acts.failed(f"192.0.2.{n}", "too many", "ann")
    await all_acts.close()
    told = [(act.asked_user, act.address, act.count) for act in book.taken]
    assert told == [("ann", "192.0.2.0", 1), ("ann", "", 4)]


async def test_those_that_are_not_on_record_are_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    book = Book()
    book.closed = True
    all_acts = Acts(book.record)
    all_acts.failed("192.0.2.1", "wrong")
    await all_acts.close()
    assert "1 sign-ins (failure) from 192.0.2.1 are not on record: no gate answers" in caplog.text


async def test_exports_and_checks_are_on_record(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        path = "/v1/journal/export?form=csv&user=bob&job=j*"
        assert (await visit.ask("GET", path, user="reader")).status == 200
        assert (await visit.ask("POST", "/v1/journal/verify", user="writer")).status == 200
        acts = [(EXPORT, "reader"), (VERIFY, "writer")]
        assert [act[:2] for act in visit.gate.acts if act[0] != SIGN_IN] == acts
        [exported] = [one for one in visit.gate.records if one["event"]["action"] == EXPORT]
        admin = exported["startgate"]["admin"]
        assert (admin["asked"], admin["asked_user"]) == (["form=csv", "job=j*"], "bob")
        assert exported["source"] == {"address": "127.0.0.1"}
        # Nobody exports by asking whether there is something to export.
        assert (await visit.ask("HEAD", path, user="reader")).status == 200
        assert [act[:2] for act in visit.gate.acts if act[0] != SIGN_IN] == acts
        visit.gate.full = True
        assert (await visit.ask("GET", path, user="reader")).status == 503
        assert (await visit.ask("POST", "/v1/journal/verify", user="writer")).status == 503
        assert (await visit.ask("GET", "/v1/journal", user="writer")).status == 200


async def test_wrong_passwords_are_on_record_without_names(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        for _ in range(3):
            body = {"username": "my-password-in-the-wrong-field", "password": "x"}
            assert (await visit.ask("POST", "/v1/session", body=body)).status == 401
        async with asyncio.timeout(30):
            while not visit.gate.records:  # noqa: ASYNC110 -- it is recorded in the background
                await asyncio.sleep(0.01)
        assert visit.gate.acts == [(SIGN_IN, "", "failure")]
        assert "wrong-field" not in str(visit.gate.records)
