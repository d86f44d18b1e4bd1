"""The Elasticsearch releases that the tests run against, and what differs between them.

One release stands for each major line that the proxy supports. `STARTGATE_REAL_VERSIONS` (comma-separated) narrows
the list.
"""

import os
from dataclasses import dataclass

SECURITY_MANAGER = "-Djava.security.manager=allow"


class CannotRun(Exception):
    """A release cannot be started on this machine; the text says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Version:
    """One release and how its node is started.

    `java` is the lowest and highest feature release of Java that starts it. `compiled_for` names the release whose jars
    the plugin is compiled against: a Java 17 compiler cannot read the class files of 9.x; its interfaces are 8.15's.
    """

    number: str
    java: tuple[int, int]
    transport: str
    transport_class: str
    descriptor_java: str
    oracle: str
    compiled_for: str
    modular: bool
    flags: tuple[str, ...] = ()

    @property
    def major(self) -> int:
        """The major number, such as 8."""
        return int(self.number.partition(".")[0])


VERSIONS = (
    Version(
        number="7.17.24",
        java=(17, 21),
        transport="transport-netty4-client",
        transport_class="org.elasticsearch.transport.Netty4Plugin",
        descriptor_java="1.8",
        oracle="v7",
        compiled_for="7.17.24",
        modular=False,
        flags=(SECURITY_MANAGER,),
    ),
    Version(
        number="8.15.3",
        java=(17, 23),
        transport="transport-netty4",
        transport_class="org.elasticsearch.transport.netty4.Netty4Plugin",
        descriptor_java="17",
        oracle="v8",
        compiled_for="8.15.3",
        modular=True,
        flags=(SECURITY_MANAGER,),
    ),
    Version(
        number="9.1.0",
        java=(21, 99),
        transport="transport-netty4",
        transport_class="org.elasticsearch.transport.netty4.Netty4Plugin",
        descriptor_java="17",
        oracle="v8",
        compiled_for="8.15.3",
        modular=True,
    ),
)


def by_number(number: str) -> Version:
    """The release named `number`; raises CannotRun with the known ones when there is none."""
    for version in VERSIONS:
        if version.number == number:
            return version
    known = ", ".join(version.number for version in VERSIONS)
    raise CannotRun(f"Elasticsearch {number} has no launcher here; known: {known}")


def selected() -> tuple[Version, ...]:
    """The releases to test: all, or those that STARTGATE_REAL_VERSIONS names."""
    wanted = os.environ.get("STARTGATE_REAL_VERSIONS", "")
    return tuple(by_number(number.strip()) for number in wanted.split(",") if number.strip()) or VERSIONS
