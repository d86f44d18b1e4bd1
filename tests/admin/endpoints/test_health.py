"""`/v1/health`."""

from pathlib import Path

from tests.admin.visiting import visiting


async def test_it_says_how_everything_stands(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        told = await visit.ask("GET", "/v1/health?wanted=traffic", user="reader")
        assert (told.status, told.content["asked"], told.content["ready"]) == (200, "traffic", False)
        wrong = await visit.ask("GET", "/v1/health?wanted=lunch", user="reader")
        assert (wrong.status, wrong.content["where"]) == (400, "wanted")
        assert (await visit.ask("GET", "/v1/health", user="owner")).status == 403
