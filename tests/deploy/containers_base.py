"""A base image of this machine's own files, where no registry of images can be reached.

The Dockerfile builds on `python:3.11-slim-bookworm`. What stands in for it here has the same parts in the same places
that the Dockerfile uses, and nothing else: a Python with pip under /usr/local, a shell, Debian's basic commands, and
the libraries that these need. So what is built and run on it is the Dockerfile and Startgate, not Python's image: what
that holds beside Python, and its size, are not tried.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

# The steps of the Dockerfile and of compose, and what the tests look around with.
_COMMANDS = ("cat", "chmod", "env", "find", "id", "install", "ls", "mkdir", "rm", "sh", "sleep", "touch")
# What wheels may take for granted by manylinux's policy, and slim images have: glibc's parts, and C++.
_LIBRARIES = (
    *(f"lib{name}.so.?" for name in ("pthread", "dl", "rt", "util", "m", "resolv", "nss_dns", "nss_files")),
    "libstdc++.so.6",
    "libgcc_s.so.1",
)
_LOADED = re.compile(r"(/\S+) \(0x")
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
_GROUPS = "root:x:0:\nnogroup:x:65534:\n"
# Of a Python's library: tests and demos, which are most of it, and what Debian marks its own with.
_WITHOUT = (
    "__pycache__",
    "test",
    "tests",
    "idlelib",
    "turtledemo",
    "lib2to3",
    "tkinter",
    "_tkinter*",
    "config-*",
    "EXTERNALLY-MANAGED",
)


def fill(root: Path) -> None:
    """Puts the base's files under `root`, an empty folder."""
    for name in (
        "bin",
        "etc/ssl/certs",
        "lib64",
        "opt",
        "proc",
        "root",
        "run",
        "sys",
        "tmp",
        "dev",
        "usr/bin",
        "var/lib",
    ):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text(_USERS)
    (root / "etc/group").write_text(_GROUPS)
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    add(root, _COMMANDS)
    _python(root)


def add(root: Path, commands: Iterable[str]) -> None:
    """Puts commands of this machine, and their libraries, into /bin of what is under `root`."""
    for name in commands:
        found = shutil.which(name, path="/usr/bin:/bin")
        assert found, f"{name} is missing"
        shutil.copy(found, root / "bin" / name)
        _libraries(root, [Path(found)])


def _python(root: Path) -> None:
    """The Python that runs this under /usr/local, where it finds its library by itself, with its pip."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    program, local = Path(sys.executable).resolve(), root / "usr/local"
    library = Path(sys.base_prefix) / "lib" / version
    (local / "bin").mkdir(parents=True)
    shutil.copy(program, local / "bin" / version)
    for name in ("python3", "python"):
        (local / "bin" / name).symlink_to(version)
    there = local / "lib" / version
    shutil.copytree(library, there, ignore=shutil.ignore_patterns(*_WITHOUT, "site-packages", "dist-packages"))
    # pip of the environment that these tests are run in: Debian's Python has none of its own.
    packages = there / "site-packages"
    packages.mkdir()
    for source in Path(sys.prefix, "lib", version, "site-packages").glob("pip*"):
        shutil.copytree(source, packages / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    # Debian keeps apart what `python -m venv` puts into an environment, and looks for packages elsewhere.
    wheels = Path("/usr/share/python-wheels")
    if wheels.is_dir():
        shutil.copytree(wheels, root / "usr/share/python-wheels")
        (root / "usr/lib/python3").mkdir(parents=True)
        (root / "usr/lib/python3/dist-packages").symlink_to(f"/usr/local/lib/{version}/site-packages")
    _libraries(root, [program, *there.rglob("*.so")])


def _libraries(root: Path, files: Iterable[Path]) -> None:
    wanted = _loaded(files)
    for name in _LIBRARIES:
        wanted |= set(Path("/usr/lib").glob(f"*-linux-gnu/{name}"))
    for path in wanted:
        # What a Python built by hand has beside it goes where the loader looks by itself.
        kept = path if path.parts[1] in ("lib", "lib64", "usr") else Path("/lib", path.name)
        target = root / str(kept).lstrip("/")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def _loaded(files: Iterable[Path]) -> set[Path]:
    """The libraries that the loader takes for programs and libraries, itself among them."""
    told = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=False).stdout
    return {Path(found) for found in _LOADED.findall(told)}
