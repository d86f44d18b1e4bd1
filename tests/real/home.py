"""The home folder of a node: its modules with their descriptors, an empty configuration; the command that starts it."""

import shutil
from pathlib import Path

from tests.real import jars, java
from tests.real.versions import Version

# Enough for the tests' few thousand documents; a serial collector and quick compilation suit two cores and short lives.
JVM_FLAGS = ("-Xms192m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto")


def build(version: Version, home: Path, *, plugin: bool, reindex: bool = False) -> None:
    """Lays out the folders of a node in `home`, which must be empty; `reindex` adds the module that copies indices."""
    for name in ("config", "plugins", "logs", "tmp"):
        (home / name).mkdir()
    library = jars.jars(version)
    transport = [*library.glob("netty-*.jar"), *library.glob(f"{version.transport}-*.jar")]
    _module(version, home, "transport-netty4", version.transport_class, transport)
    if plugin:
        _module(version, home, "startgate-oracle", "startgate.oracle.OraclePlugin", [jars.oracle(version)])
    if reindex:
        # What the node itself has must not be there twice.
        more = [path for path in jars.reindex(version).glob("*.jar") if not (library / path.name).exists()]
        _module(version, home, "reindex", "org.elasticsearch.reindex.ReindexPlugin", more)


def command(version: Version, home: Path, settings: dict[str, str]) -> list[str]:
    """The command line that starts the node; `settings` are handed to it as they are."""
    library = jars.jars(version)
    core = [path for path in sorted(library.glob("*.jar")) if not _is_transport(version, path.name)]
    listed = ":".join(str(path) for path in core)
    launcher = jars.launcher(version)
    if version.modular:
        paths = ["--module-path", listed, *_module_flags(), "-cp", str(launcher)]
    else:
        paths = ["-cp", f"{launcher}:{listed}"]
    given = [f"{key}={value}" for key, value in settings.items()]
    runtime = java.runtime(*version.java)
    flags = [*JVM_FLAGS, *version.flags, f"-Djava.io.tmpdir={home / 'tmp'}"]
    return [str(runtime), *flags, *paths, "StartNode", str(home), *given]


def _module_flags() -> list[str]:
    every = ["--add-modules", "ALL-MODULE-PATH", "--add-modules", "jdk.net"]
    return [*every, "--add-opens", "java.base/java.io=ALL-UNNAMED"]


def _is_transport(version: Version, name: str) -> bool:
    return name.startswith(("netty-", f"{version.transport}-"))


def _module(version: Version, home: Path, name: str, classname: str, contents: list[Path]) -> None:
    folder = home / "modules" / name
    folder.mkdir(parents=True)
    for path in contents:
        shutil.copy(path, folder)
    descriptor = {
        "description": name,
        "version": version.number,
        "name": name,
        "classname": classname,
        "java.version": version.descriptor_java,
        "elasticsearch.version": version.number,
    }
    lines = [f"{key}={value}\n" for key, value in descriptor.items()]
    (folder / "plugin-descriptor.properties").write_text("".join(lines))
