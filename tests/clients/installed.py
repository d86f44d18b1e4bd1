"""The clients' own packages, fetched by their locks; each folder is named by a digest of what made it."""

import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.clients.suite import Client
from tests.real import cache
from tests.real import java as java_home

HERE = Path(__file__).resolve().parent


def kept(name: str, sources: list[Path], make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills from `sources`; made anew where one of them changes. Raises CannotRun."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:12]
    return cache.folder(f"clients/{name}-{digest}", make)


def python(line: int, kind: str) -> Client:
    """The Python client of a line; `kind` is sync or async."""
    lock = HERE / "python" / f"requirements-{line}.lock"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]

    def make(draft: Path) -> None:
        cache.command([*pip, "--no-deps", "--target", draft, "-r", lock], f"installing the Python client {line}")

    packages = kept(f"python-{line}", [lock], make)
    # Without `site`, so that of this environment's own packages none is seen.
    command: list[str | Path] = [sys.executable, "-S", "-W", "ignore", HERE / "python" / "suite.py", kind]
    return Client(f"python-{line}-{kind}", command, {"PYTHONPATH": str(packages)})


def javascript(line: int, script: str = "suite.js") -> Client:
    """The JavaScript client of a line."""
    folder = HERE / "javascript" / f"v{line}"
    files = [folder / "package.json", folder / "package-lock.json"]
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]

    def make(draft: Path) -> None:
        for path in files:
            shutil.copy(path, draft)
        cache.command([*npm, "--prefix", draft], f"installing the JavaScript client {line}")

    packages = kept(f"javascript-{line}", files, make)
    name = f"javascript-{line}" if script == "suite.js" else f"kibana-{line}"
    return Client(name, ["node", HERE / "javascript" / script], {"CLIENT_FOLDER": str(packages)})


def go(line: int) -> Client:
    """The Go client of a line. The sources name line 8; what is compiled names its own."""
    folder, typed = HERE / "go" / f"v{line}", "untyped.go" if line == 7 else "typed.go"
    sources = [HERE / "go" / "suite.go", HERE / "go" / typed]
    files = [folder / "go.mod", folder / "go.sum"]

    def make(draft: Path) -> None:
        for path in files:
            shutil.copy(path, draft)
        for path in sources:
            (draft / path.name).write_text(path.read_text().replace("go-elasticsearch/v8", f"go-elasticsearch/v{line}"))
        cache.command(["go", "build", "-C", draft, "-mod=readonly", "-trimpath", "."], f"building the Go client {line}")

    return Client(f"go-{line}", [kept(f"go-{line}", [*files, *sources], make) / "client"])


def java(line: int) -> Client:
    """The Java client of a line."""
    pom, source = HERE / "java" / f"v{line}" / "pom.xml", HERE / "java" / "src" / "Suite.java"
    sources = [source, HERE / "java" / ("rest5" if line >= 9 else "rest") / "Line.java"]
    maven: list[str | Path] = ["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies"]

    def fetch(draft: Path) -> None:
        cache.command([*maven, f"-DoutputDirectory={draft}"], f"fetching the Java client {line}")

    jars = kept(f"java-{line}-jars", [pom], fetch)

    def compile_into(draft: Path) -> None:
        flags: list[str | Path] = ["--release", "17", "-nowarn", "-cp", f"{jars}/*", "-d", draft]
        cache.command([java_home.compiler(), *flags, *sources], f"compiling the suite of the Java client {line}")

    classes = kept(f"java-{line}", [pom, *sources], compile_into)
    # Compiling little suits a run of two seconds.
    flags = ["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    return Client(f"java-{line}", [java_home.runtime(17, 99), *flags, "-cp", f"{classes}:{jars}/*", "Suite"])


def rust(line: int) -> Client:
    """The Rust client of a line."""
    folder, source = HERE / "rust" / f"v{line}", HERE / "rust" / "src" / "main.rs"
    files = [folder / "Cargo.toml", folder / "Cargo.lock"]

    def make(draft: Path) -> None:
        build: list[str | Path] = [
            "cargo",
            "build",
            "--quiet",
            "--locked",
            "--manifest-path",
            files[0],
            "--target-dir",
            draft / "target",
        ]
        cache.command(build, f"building the Rust client {line}")
        # What was compiled on the way is a gigabyte.
        shutil.move(draft / "target" / "debug" / f"suite-{line}", draft / "suite")
        shutil.rmtree(draft / "target")

    return Client(f"rust-{line}", [kept(f"rust-{line}", [*files, source], make) / "suite"])
