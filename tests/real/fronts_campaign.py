"""The inputs of the wire's fuzzer through a front, with a Startgate behind it that denies every start.

`python -m tests.real.fronts_campaign` sends many, to a genuine node.
"""

import argparse
import asyncio
import contextlib
import logging
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy.fronts.model import Address, Front, Upstream
from tests.fuzz.campaign import LIMITS, Run, directly, through
from tests.fuzz.case import TAGS, Case
from tests.fuzz.drive import Outcome
from tests.fuzz.heard import Unreadable, answers
from tests.fuzz.nodes import hardened
from tests.fuzz.seeds import inputs
from tests.real.fronts import CONTROLLERS, PROGRAMS, Program, Running, free_port
from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy
from tests.real.versions import VERSIONS, CannotRun

# As short as the other limits of a run: what never answers ends by it.
ANSWER_S = 3.0
_STATUS = re.compile(rb"^HTTP/1\.[01] ([1-5][0-9]{2}) ", re.MULTILINE)


def near(port: int) -> Address:
    """A port on the loopback."""
    return Address(host="127.0.0.1", port=port)


@contextmanager
def fronted(program: Program, node_port: int, certificate: str | None = None) -> Iterator[tuple[Running, DenyingProxy]]:
    """A front before a node and a proxy that denies every start. With a certificate, whose key lies beside it with .key
    behind its name, it speaks HTTP/2."""
    with (
        DenyingProxy((f"http://127.0.0.1:{node_port}",), LIMITS) as proxy,
        tempfile.TemporaryDirectory(prefix="startgate-front-") as folder,
    ):
        port = free_port()
        front = Front(
            listen=near(port),
            nodes=Upstream(servers=(near(node_port),)),
            startgate=Upstream(servers=(near(proxy.port),)),
            certificate=certificate,
            key=None if certificate is None else f"{certificate}.key",
            http2=certificate is not None,
            limits=LIMITS,
            answer_s=ANSWER_S,
        )
        with Running(program, program.text(front), port, Path(folder)) as running:
            yield running, proxy


def faults(case: Case, tag: bytes, outcome: Outcome, figures: Counter[str]) -> list[str]:
    """What is wrong with what came back through a front. It may answer broken requests in its own way (HTTP/0.9, or
    HTTP/1.0), so only what no front may do counts here: a start, another's answer, and no end."""
    figures["inputs"] += 1
    figures.update(f"status {status.decode()}" for status in _STATUS.findall(outcome.data))
    found = []
    if not outcome.ended:
        found.append("hang: neither all answers nor an end came")
    if b"x-oracle: start" in outcome.data.lower():
        found.append("reach: the start handler answered")
    foreign = {one for one in TAGS.findall(outcome.data) if not one.startswith(tag)}
    if foreign:
        found.append(f"wrong request: something of another connection arrived: {sorted(foreign)}")
    with contextlib.suppress(Unreadable):
        if case.sound and tag + b".h" in {one.tag for one in answers(outcome.data, heads=b"HEAD" in case.data)}:
            found.append("wrong request: what a body held was answered")
    return found


def run_through(
    program: Program, node_port: int, reached: Callable[[], int], *, seed: int, count: int, seconds: float
) -> Run:
    """`count` inputs of `seed` through `program`; none is begun after `seconds`. `reached` counts starts there."""
    with fronted(program, node_port) as (running, proxy):
        until = time.monotonic() + seconds
        run = asyncio.run(through(running.port, enumerate(inputs(seed, count)), reached, until, faults))
        run.figures["starts that reached the node"] += reached()
        run.figures["starts that the gate was asked about"] += proxy.asked
    return run


def main() -> int:
    """0 where nothing failed, 1 where something did, 2 where no node can run here."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.fronts_campaign", description=__doc__)
    everything = {program.name: program for program in (*PROGRAMS, *CONTROLLERS)}
    parser.add_argument("--front", choices=everything, action="append", help="all if not given")
    parser.add_argument("--version", default=VERSIONS[-1].number, help="a release of Elasticsearch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inputs", type=int, default=20_000, help="through each front")
    parser.add_argument("--seconds", type=float, default=1800.0, help="no input of a front is begun later")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # every refusal would be a line
    try:
        with RealNode.start(options.version) as node, hardened(node):
            return max([_run(everything[name], node, options) for name in options.front or everything])
    except CannotRun as reason:
        print(f"no node can run here: {reason}", file=sys.stderr)
        return 2


def _run(program: Program, node: RealNode, options: argparse.Namespace) -> int:
    node.forget_hits()
    began = time.monotonic()
    run = run_through(program, node.port, node.hits, seed=options.seed, count=options.inputs, seconds=options.seconds)
    took_s = time.monotonic() - began
    cases = enumerate(inputs(options.seed, run.figures["inputs"]))
    run.figures.update(asyncio.run(directly(node.port, cases, time.monotonic() + options.seconds)))
    print(
        f"{program.name}, Elasticsearch {options.version}, seed {options.seed}, {took_s:.0f} s\n{run.report()}",
        flush=True,
    )
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
