"""Which part may import which, read from the sources: the arrows point one way, and pure parts touch no outside."""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "proxy"

BASE = frozenset({"errors", "model"})
PLAIN = BASE | {"settings", "tasks", "tls", "renewal", "clientcert", "notes", "metrics", "logs"}
PLAIN |= {"tracing", "tracing.settings"}
DECISIONS = frozenset({"rules", "privileges", "destination", "route", "wire", "journal.entry", "journal.chain"})
GATE = PLAIN | DECISIONS | {"gate"}
IO = GATE | {"cluster", "journal", "identity"}

# Part → the parts that it may import, beside itself. A part that is missing here fails the test: it must be placed.
ARROWS: dict[str, frozenset[str]] = {
    "": frozenset(),
    "errors": frozenset(),
    "tasks": frozenset(),
    "settings": frozenset({"tracing.settings"}),
    "tracing.settings": frozenset(),
    # Whoever is traced knows it, and it knows nobody.
    "tracing": BASE | {"tracing.settings"},
    "model": frozenset({"errors"}),
    "tls": BASE | {"settings"},
    "renewal": BASE | {"settings", "tls"},
    "expiry": frozenset({"settings"}),
    "clientcert": frozenset(),
    "notes": frozenset(),
    # Counting is for every process, and knows none of them.
    "metrics": BASE | {"settings", "tasks"},
    "identity": BASE | {"settings", "clientcert", "rules"},
    "text": frozenset(),
    # What is said is said in one form by all; what is said is for each to know.
    "logs": BASE | {"text"},
    "orders": frozenset({"settings", "logs"}),
    "wire": BASE,
    "route": BASE,
    "privileges": BASE,
    "destination": BASE,
    "journal.entry": BASE,
    "journal.chain": BASE,
    "journal.fields": BASE,
    "journal.mask": BASE | {"journal.fields", "settings"},
    # Rule files name privileges, and are checked against the names that exist.
    "rules": BASE | {"privileges"},
    # What a record names may be a mask already.
    "gate": GATE | {"journal.mask"},
    # The names of Startgate's own realms, which no realm of a cluster may have.
    "cluster": GATE | {"identity"},
    "journal": GATE | {"journal.entry", "journal.chain", "journal.fields", "journal.mask"},
    "gate.app": IO | {"control", "ship"},
    # Reads what the journal wrote, and asks the cluster as the gate does; nobody waits for it.
    "ship": IO | {"journal.fields"},
    # Compares what the journals hold with what the cluster says; nobody waits for it.
    "bypasses": IO | {"journal.entry"},
    # How a sink stands is told in the words of shipping.
    "control": GATE | {"journal", "ship"},
    "edge": PLAIN | {"wire", "route", "text"},
    # The embedded cluster judges privileges and makes destinations as Elasticsearch does, and knows of no proxy.
    "embedded": PLAIN | {"privileges", "destination"},
    # The positions of YAML values come from the same reader as those of rule files.
    "config": BASE
    | {"settings", "privileges", "rules", "tls", "identity", "journal.fields", "journal.mask", "logs"}
    | {"tracing", "tracing.settings"},
    "listeners": BASE | {"settings"},
    "handover": BASE | {"tasks"},
    "notify": frozenset({"tasks"}),
    "preflight": PLAIN | {"rules", "cluster", "identity"},
    "child": PLAIN | {"orders"},
    # The edge's process loads nothing of the gate: it is smaller for it, and a fault there does not reach it.
    "edge_process": PLAIN | {"child", "edge", "expiry", "orders"},
    # Reads the journal's files as the commands do, asks the gate by its control socket, and the cluster for the viewer.
    "admin": IO | {"control", "journal.entry", "ship", "text"},
    "admin_process": PLAIN | {"admin", "child", "orders"},
    "gate_process": PLAIN | {"cases", "child", "gate", "gate.app", "orders"},
    "process": PLAIN | {"orders"},
    "supervisor": PLAIN | {"config", "handover", "listeners", "notify", "orders", "preflight", "process"},
    "columns": frozenset({"text"}),
    "audit": PLAIN | {"columns", "journal", "journal.chain", "journal.entry", "text"},
    # Judges what a record holds; who reads the record and prints what came of it is a command.
    "replay": BASE | {"journal.entry", "privileges", "rules"},
    "demo": PLAIN
    | {"audit", "columns", "listeners", "config", "embedded", "journal", "journal.entry", "planned", "preflight"}
    | {"supervisor"},
    "planned": PLAIN | {"columns", "text"},
    # Texts for other proxies; what may be a start is told by the route's own table.
    "fronts": BASE | {"settings", "route"},
    # Asks of everything how it is, and changes nothing.
    "doctor": IO | {"admin", "edge", "expiry", "listeners", "preflight", "text"},
    # Writes a first configuration as text, and asks the nodes as the doctor does.
    "starter": BASE | {"settings", "rules", "doctor"},
    # A case runs through the gate's own flow; its jobs are read as the cluster's are.
    "cases": GATE | {"cluster", "journal.entry", "text"},
    # Schemas are made from the tables that the readers themselves use.
    "schemas": PLAIN | {"cases", "config", "journal.entry", "journal.fields", "journal.mask", "rules"},
    "commands": IO
    | {"audit", "bypasses", "cases", "columns", "config", "control", "embedded", "journal.entry", "listeners"}
    | {"planned", "replay", "schemas", "ship", "text"}
    | {"admin", "doctor", "fronts", "starter"},
    "cli": IO | {"commands", "demo", "supervisor"},
    "__main__": frozenset({"cli"}),
}
# Who builds the configuration. Everyone else gets values.
CONFIG_READERS = {"commands", "supervisor", "demo"}
# Parts that are their own entry in ARROWS though they live in a package.
APART = {
    "proxy.gate.app": "gate.app",
    # What a crash left open is read from the journal's files before the first start: a matter of the process.
    "proxy.gate.reconcile": "gate.app",
    # How journal and sinks stand is told by the process, too.
    "proxy.gate.meter": "gate.app",
    "proxy.tracing.settings": "tracing.settings",
    "proxy.journal.entry": "journal.entry",
    "proxy.journal.chain": "journal.chain",
    "proxy.journal.fields": "journal.fields",
    "proxy.journal.allowed": "journal.fields",
    "proxy.journal.mask": "journal.mask",
}
# The verbs of a start do not know each other; these join them.
STEPS = frozenset({"identify", "authorise", "plan", "create", "record", "answer"})
JOINTS = frozenset(
    {
        *("proxy.gate.flow", "proxy.gate.judged", "proxy.gate.follow", "proxy.gate.preview", "proxy.gate.reconcile"),
        "proxy.gate.app",
        # The calls on a job that are no starts: who called is found out and recorded as a start's caller is.
        "proxy.gate.observe",
    }
)

PURE = DECISIONS | {"fronts", "journal.fields", "journal.mask"}
# Time, ids and randomness are arguments of pure parts; files and sockets are not their business.
OUTSIDE = frozenset(
    {
        *("asyncio", "socket", "selectors", "ssl", "subprocess", "threading", "multiprocessing", "signal"),
        *("time", "os", "random", "secrets", "uuid", "tempfile", "shutil", "io", "logging"),
        *("aiohttp", "elasticsearch", "elastic_transport", "uvloop", "httptools", "http", "urllib.request"),
    }
)
# The one module of the pure parts that reads files.
LOADERS = frozenset({"proxy.rules.load"})


@dataclass(frozen=True)
class Module:
    """A source file, parsed when somebody looks into it: each process that collects tests lists all of them."""

    name: str
    path: Path
    source: str | None = None

    @cached_property
    def tree(self) -> ast.Module:
        """Its parsed text."""
        return ast.parse(self.path.read_text() if self.source is None else self.source, str(self.path))

    @property
    def part(self) -> str:
        """The entry of ARROWS that the module belongs to."""
        return part_of(self.name)


def part_of(name: str) -> str:
    """The entry of ARROWS for a module's dotted name."""
    if name in APART:
        return APART[name]
    pieces = name.split(".")
    return pieces[1] if len(pieces) > 1 else ""


def modules() -> Iterator[Module]:
    """Every module of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        pieces = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(pieces[:-1] if pieces[-1] == "__init__" else pieces)
        yield Module(name, path)


ALL = {module.name: module for module in modules()}


def imports(module: Module) -> Iterator[tuple[str, int]]:
    """The dotted names that a module imports, wherever in the file, with their lines; own modules to the last piece."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield (full if full in ALL else base), node.lineno


def own_imports(module: Module) -> Iterator[tuple[str, int]]:
    """The imports of this package's own modules."""
    for name, line in imports(module):
        if name == "proxy" or name.startswith("proxy."):
            yield name, line


def each(*parts: str) -> list[Module]:
    """The modules of the parts named, or all."""
    return [module for module in ALL.values() if not parts or module.part in parts]


def broken(modules: Iterable[Module], found: Callable[[Module], list[str]]) -> str:
    """What is found in each module where something is, a line each: "proxy/edge/node.py: line 3: proxy.gate"."""
    told = [(module.path, found(module)) for module in modules]
    return "\n".join(f"{path}: {', '.join(wrong)}" for path, wrong in told if wrong)


def test_every_module_has_its_place() -> None:
    assert broken(each(), lambda module: [] if module.part in ARROWS else [f"place {module.part!r} in ARROWS"]) == ""


def test_imports_follow_the_arrows() -> None:
    def against(module: Module) -> list[str]:
        allowed = ARROWS.get(module.part, frozenset()) | {module.part}
        wrong = [f"line {line}: {name}" for name, line in own_imports(module) if part_of(name) not in allowed]
        return wrong and [*wrong, f"but may import {sorted(allowed)}"]

    assert broken(each(), against) == ""


def test_pure_modules_touch_no_outside() -> None:
    def outside(module: Module) -> list[str]:
        banned = OUTSIDE if module.name in LOADERS else OUTSIDE | {"pathlib"}
        found = [(name, line) for name, line in imports(module) if banned & {name, name.split(".", maxsplit=1)[0]}]
        return [f"line {line}: {name}" for name, line in found]

    assert broken(each(*PURE), outside) == ""


def test_pure_modules_do_not_wait_or_open() -> None:
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)

    def waiting(module: Module) -> list[str]:
        nodes = list(ast.walk(module.tree))
        calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        opened = [f"line {node.lineno}: open()" for node in calls if cast(ast.Name, node.func).id == "open"]
        return [f"line {node.lineno}: waits" for node in nodes if isinstance(node, waits)] + opened

    assert broken(each(*PURE), waiting) == ""


def test_only_the_command_and_the_supervisor_read_the_configuration() -> None:
    others = [module for module in each() if module.part not in CONFIG_READERS and module.name != "proxy.config"]
    assert broken(others, lambda module: [name for name, _ in own_imports(module) if name == "proxy.config"]) == ""


def test_steps_of_the_gate_do_not_know_each_other() -> None:
    """`flow` joins the steps; the nouns that they pass on stand in modules of their own."""

    def steps(module: Module) -> list[str]:
        others = {f"proxy.gate.{step}" for step in STEPS} - {module.name}
        return [f"line {line}: {name}" for name, line in own_imports(module) if name in others]

    assert broken([module for module in each("gate") if module.name not in JOINTS], steps) == ""


def test_the_flow_knows_neither_cluster_nor_files() -> None:
    flow = ALL["proxy.gate.flow"]
    wrong = [name for name, _ in own_imports(flow) if part_of(name) in {"cluster", "journal"}]
    assert not wrong


def test_there_are_no_cycles() -> None:
    graph = {name: {other for other, _ in own_imports(module)} - {name} for name, module in ALL.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(" → ".join(cycle.args[1]))


def test_imports_are_absolute() -> None:
    def relative(module: Module) -> list[str]:
        return [f"line {n.lineno}" for n in ast.walk(module.tree) if isinstance(n, ast.ImportFrom) and n.level]

    assert broken(each(), relative) == ""


def test_package_files_are_maps_without_logic() -> None:
    """Each `__init__` says in 20 lines at most what is in the package; it may hand names on, no more."""
    allowed = (ast.Expr, ast.ImportFrom, ast.Import, ast.Assign)

    def beyond(module: Module) -> list[str]:
        lines = (ast.get_docstring(module.tree) or "").splitlines()
        wrong = [] if 0 < len(lines) <= 20 else [f"{len(lines)} lines of docstring"]
        return wrong + [f"line {node.lineno}" for node in module.tree.body if not isinstance(node, allowed)]

    assert broken([module for module in each() if module.path.name == "__init__.py"], beyond) == ""


def test_nobody_imports_the_tests_or_the_benchmarks() -> None:
    wrong = [
        f"{module.path}:{line}"
        for module in each()
        for name, line in imports(module)
        if name.split(".", maxsplit=1)[0] in {"tests", "bench"}
    ]
    assert not wrong


def test_names_do_not_hide_the_standard_library() -> None:
    """A module is imported by its dotted name, so only top-level names of the project could clash."""
    assert "proxy" not in sys.stdlib_module_names


def test_the_checks_can_fail() -> None:
    """The helpers see an import inside a function, and a name of the package as well as a module's."""
    source = "def late():\n    import time\n    from proxy.rules import load\n    from proxy import errors\n"
    module = Module("proxy.wire.sample", Path("sample.py"), source)
    found = {name for name, _ in imports(module)}
    assert "time" in found
    assert "proxy.errors" in found
    assert any(part_of(name) == "rules" for name in found)
    assert module.part == "wire"
    assert broken([module, *each("wire")], lambda one: ["found"] if one is module else []) == "sample.py: found"
