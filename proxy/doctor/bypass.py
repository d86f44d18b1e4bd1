"""Ways round the gate: nodes that clients reach themselves, addresses that sniffing clients are told, and whose word is
taken for whom a start is."""

import asyncio
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from proxy.doctor.ask import Asker, Facts, at, each_node, refused
from proxy.doctor.model import Finding, fail, ok, skip, warn
from proxy.doctor.reach import reach
from proxy.rules.compiled import Authority, Rules

CLOSE: Final = (
    "let nobody but Startgate reach it: a firewall or a NetworkPolicy, or client certificates at the nodes "
    "(xpack.security.http.ssl.client_authentication: required)"
)
KIBANA: Final = ("kibana_system", "elastic/kibana")


def intermediaries(rules: Rules | None) -> Finding:
    """Whether Kibana's own user is trusted to say nothing of whom a start is for."""
    if rules is None:
        return skip("intermediaries", "the rules do not load")
    if rules.authority is Authority.ROLES and not rules.trusted:
        # docs/identity.md: whoever is not known to the cluster is not known as Kibana either.
        return ok("intermediaries", "none: without security nobody is Kibana for certain")
    named = [one.username for one in rules.trusted]
    if any(name in named for name in KIBANA):
        return ok("intermediaries", f"trusted: {', '.join(named)}")
    seen = f"Kibana is not among the trusted intermediaries ({', '.join(named) or 'there are none'})"
    advice = "its starts are judged as its own, and denied; name kibana_system and elastic/kibana in the rules if it"
    return warn("intermediaries", seen, f"{advice} is used")


async def bypass(asker: Asker, facts: Facts, nodes: Sequence[str]) -> Finding:
    """Whether a node listens where others than Startgate can reach it. From here nobody sees what lies in between: what
    is not bound to loopback alone, and takes whoever comes, is told of."""
    told = each_node(facts.info)
    if not told:
        return skip("bypass", refused(facts.info, "monitor"))
    wide = {str(one.get("name")): _wide(one) for one in told}
    wide = {name: addresses for name, addresses in wide.items() if addresses}
    if not wide:
        return ok("bypass", f"{len(told)} of {len(told)} nodes listen on loopback only")
    if await _ask_for_certificates(asker, nodes):
        return ok("bypass", "the nodes take nobody without a certificate")
    seen = "; ".join(f"{name} listens on {', '.join(addresses)}" for name, addresses in wide.items())
    if all(_is_loopback(urlsplit(node).hostname or "") for node in nodes) and len(told) == 1:
        return warn("bypass", seen, "Startgate is on the same machine: http.host: 127.0.0.1 in elasticsearch.yml")
    advice = f"{CLOSE}; then run `startgate doctor --as-client` on a client's machine, and --skip bypass here"
    return warn("bypass", seen, advice)


def _wide(node: Mapping[str, Any]) -> list[str]:
    bound = at(node, "http", "bound_address")
    return [str(one) for one in bound if not _is_loopback(host_of(str(one)))] if isinstance(bound, list) else []


async def _ask_for_certificates(asker: Asker, nodes: Sequence[str]) -> bool:
    if not all(node.startswith("https:") for node in nodes):
        return False
    answers = await asyncio.gather(*(asker.root(node, anonymous=True) for node in nodes))
    # A node that is away would look the same: it must have answered us.
    known = await asyncio.gather(*(asker.root(node) for node in nodes))
    return all(told.status == 0 for told in answers) and all(told.status for told in known)


async def as_client(nodes: Sequence[str]) -> list[Finding]:
    """As seen from a client's machine: each node that can be connected to is a way round the gate."""
    found: list[Finding] = []
    for node in nodes:
        address = urlsplit(node)
        why = (await reach(address.hostname or "", address.port or 0)).why
        if why:
            found.append(ok("bypass", f"{node} cannot be reached from here ({why})"))
        else:
            found.append(fail("bypass", f"{node} can be reached from here", CLOSE))
    return found


def sniffing(facts: Facts, mode: str) -> Finding:
    """Whether clients that ask for the nodes' addresses are told such as lead round the gate; `mode` is
    `cluster.sniffing`."""
    if mode == "rewrite":
        return ok("sniffing", "clients that ask for the nodes' addresses are told Startgate's")
    published = list(_published(facts))
    if not published:
        return skip("sniffing", refused(facts.info, "monitor"))
    wide = [one for one in published if not _is_loopback(host_of(one))]
    if not wide:
        return ok("sniffing", f"the addresses that nodes publish lead nowhere for others: {', '.join(published)}")
    seen = f"clients that ask for the nodes' addresses are told {', '.join(wide)}, and go round Startgate"
    return warn("sniffing", seen, "cluster.sniffing: rewrite in startgate.yml")


def _published(facts: Facts) -> Iterator[str]:
    for node in each_node(facts.info):
        address = at(node, "http", "publish_address")
        if isinstance(address, str):
            yield address


def host_of(address: str) -> str:
    """The host of an address as nodes write it: `10.0.0.1:9200`, `[::1]:9200`, `es/10.0.0.1:9200`."""
    return address.rpartition("/")[2].rpartition(":")[0].strip("[]")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
