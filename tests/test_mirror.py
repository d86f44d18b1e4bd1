"""Each module of `proxy/` has its own test file, and each test file its module."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "proxy"
TESTS = ROOT / "tests"

# Checks against genuine nodes, of faults, by fuzzing, and with clients, are ordered by what they prove.
FREE_FOLDERS = {"real", "faults", "fuzz", "deploy", "clients", "browser"}
# Plain records: there is nothing to test that their users' tests don't. Each entry must exist, or the list is stale.
SETTINGS = ("admin", "edge", "gate", "identity", "journal", "listening")
SHOWN = ("journal", "plan", "rules", "starts", "traffic")
WITHOUT_TEST = {
    Path("logs/settings.py"),
    Path("tracing/settings.py"),
    Path("orders.py"),
    Path("embedded/backend.py"),
    *(Path(f"admin/shown/{name}.py") for name in SHOWN),
    *(Path(f"settings/{name}.py") for name in SETTINGS),
}


def wanted(module: Path) -> Path:
    """The test file of a module, both relative to their folders."""
    return module.with_name(f"test_{module.name}")


def sources() -> set[Path]:
    """Every module that needs a test file, relative to `proxy/`."""
    found = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    return {path for path in found if path.name not in {"__init__.py", "__main__.py"}}


def written() -> set[Path]:
    """Every test file that needs a module, relative to `tests/`; those at the top may look at the whole."""
    found = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    return {path for path in found if len(path.parts) > 1 and path.parts[0] not in FREE_FOLDERS}


def test_modules_have_their_tests() -> None:
    needed = {module: wanted(module) for module in sorted(sources() - WITHOUT_TEST)}
    lacking = [f"proxy/{module} needs tests/{test}" for module, test in needed.items() if not (TESTS / test).is_file()]
    assert needed
    assert "\n".join(lacking) == ""


def test_tests_have_their_module() -> None:
    modules = {test: test.with_name(test.name.removeprefix("test_")) for test in sorted(written())}
    lone = {test: module for test, module in modules.items() if not (PACKAGE / module).is_file()}
    assert modules
    assert "\n".join(f"tests/{test} tests no module: no proxy/{module}" for test, module in lone.items()) == ""


def test_tests_hold_a_test() -> None:
    empty = [str(path) for path in written() if "def test_" not in (TESTS / path).read_text()]
    assert not empty


@pytest.mark.parametrize("module", sorted(WITHOUT_TEST), ids=str)
def test_exemptions_are_still_needed(module: Path) -> None:
    assert (PACKAGE / module).is_file(), f"proxy/{module} is gone: take it off the list"
    assert not (TESTS / wanted(module)).exists(), f"proxy/{module} has tests now: take it off the list"
    decisions = (ast.If, ast.IfExp, ast.BoolOp, ast.For, ast.While, ast.Try, ast.Match, ast.comprehension)
    tree = ast.parse((PACKAGE / module).read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, decisions)], f"proxy/{module} needs tests"
