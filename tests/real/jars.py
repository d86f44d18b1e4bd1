"""The jars of a release, fetched by Maven; the launcher and oracle plugin, compiled from `java/` beside this file."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.real import cache, java
from tests.real.versions import Version, by_number

SOURCES = Path(__file__).resolve().parent / "java"


def jars(version: Version) -> Path:
    """The folder that holds every jar of the release's node."""
    copy = ["dependency:copy-dependencies", f"-Delasticsearch={version.number}", f"-Dtransport={version.transport}"]

    def fetch(draft: Path) -> None:
        maven: list[str | Path] = ["mvn", "-q", "-B", "-f", SOURCES / "pom.xml", *copy, f"-DoutputDirectory={draft}"]
        cache.command(maven, f"fetching the jars of Elasticsearch {version.number}")

    return cache.folder(f"{version.number}/jars", fetch)


def reindex(version: Version) -> Path:
    """The folder that holds the jars of the module with `_reindex`, which is published for 7.17 alone."""

    def fetch(draft: Path) -> None:
        copy = ["dependency:copy-dependencies", f"-Delasticsearch={version.number}", f"-DoutputDirectory={draft}"]
        maven: list[str | Path] = ["mvn", "-q", "-B", "-f", SOURCES / "reindex.xml", *copy]
        cache.command(maven, f"fetching the module that copies indices in {version.number}")

    return cache.folder(f"{version.number}/reindex", fetch)


def launcher(version: Version) -> Path:
    """The folder of the launcher's classes, for the class path."""
    sources = sorted((SOURCES / "launcher").glob("*.java"))
    return _compiled(version, "launcher", sources)


def oracle(version: Version) -> Path:
    """The jar of the plugin that answers the start route; see `java/oracle/common/Sightings.java`."""
    sources = sorted(path for part in ("common", version.oracle) for path in (SOURCES / "oracle" / part).glob("*.java"))
    classes = _compiled(version, "oracle", sources)

    def pack(draft: Path) -> None:
        with zipfile.ZipFile(draft / "oracle.jar", "w") as jar:
            for path in sorted(classes.rglob("*.class")):
                jar.write(path, path.relative_to(classes))

    return cache.folder(f"{classes.relative_to(cache.root())}-jar", pack) / "oracle.jar"


def security(version: Version) -> Path:
    """The folder that holds the jar with the security model. Raises CannotRun where the release has none to fetch."""
    artifact = f"org.elasticsearch.plugin:x-pack-core:{version.number}"

    def fetch(draft: Path) -> None:
        maven: list[str | Path] = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}"]
        cache.command([*maven, f"-DoutputDirectory={draft}"], f"fetching the security model of {version.number}")

    return cache.folder(f"{version.number}/security", fetch)


def privileges(version: Version) -> Path:
    """The folder of the classes that answer questions about privileges, for the class path."""
    return _compiled(version, "privileges", [SOURCES / "privileges" / "PrivilegeOracle.java"], more=security)


def _compiled(version: Version, name: str, sources: list[Path], more: Callable[[Version], Path] | None = None) -> Path:
    """Compiles `sources` against the jars that the release's plugin is compiled for; named by a digest of the text.

    `more` tells of another folder of jars that they need.
    """
    against = by_number(version.compiled_for)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]

    def compile_into(draft: Path) -> None:
        javac: list[str | Path] = [
            java.compiler(),
            "--release",
            "17",
            "-nowarn",
            "-d",
            draft,
            "-cp",
            ":".join(f"{folder(against)}/*" for folder in (jars, more) if folder is not None),
        ]
        cache.command([*javac, *sources], f"compiling the {name} for Elasticsearch {version.number}")

    if not (cache.root() / against.number / f"{name}-{digest}").is_dir():
        for folder in (jars, more):
            if folder is not None:
                folder(against)  # fetched before the lock of the next folder is taken
    return cache.folder(f"{against.number}/{name}-{digest}", compile_into)
