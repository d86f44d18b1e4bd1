"""`cluster.tls` and `forwarded`: how nodes are known and know us, and what they are told of clients."""

from proxy import tls
from proxy.config import files, values
from proxy.config.identity import Taker
from proxy.errors import ConfigError
from proxy.settings import ClusterTls, Forwarded

FORWARDED_MODES = ("keep", "append", "replace")


def cluster_tls(reader: Taker) -> ClusterTls:
    """The section `cluster.tls`. What contradicts itself is refused: somebody believes one half to be in force."""
    verify = reader.take("cluster.tls.verify", lambda node: values.choice(node, tls.VERIFY_MODES), "full")
    _fits_verify(reader, verify)
    lowest, highest = _versions(reader)
    certificate = reader.take("cluster.tls.certificate", files.readable, None)
    key = reader.take("cluster.tls.key", files.readable, None)
    made = ClusterTls(
        ca=reader.take("cluster.tls.ca", files.authorities, None),
        verify=verify,
        fingerprints=reader.take("cluster.tls.fingerprint", lambda node: values.each(node, values.fingerprint), ()),
        server_name=reader.take("cluster.tls.server_name", values.host_name, None),
        certificate=None if certificate is None else str(certificate),
        key=None if key is None else str(key),
        min_version=lowest,
        max_version=highest,
    )
    _proven_pair(reader, made)
    return made


def _fits_verify(reader: Taker, verify: str) -> None:
    """Whether the keys beside `verify` can mean something with it."""
    named = "cluster.tls.fingerprint" in reader.found
    if verify == "fingerprint" and not named:
        reader.refuse("cluster.tls.verify", "fingerprint needs cluster.tls.fingerprint: the fingerprints of the nodes")
    if verify == "unsafe_none" and named:
        reader.refuse("cluster.tls.fingerprint", "means nothing with verify: unsafe_none: leave one of them out")
    if "cluster.tls.ca" in reader.found and verify in ("unsafe_none", "fingerprint"):
        reader.refuse("cluster.tls.ca", f"means nothing with verify: {verify}: leave one of them out")


def _versions(reader: Taker) -> tuple[str, str]:
    low, high = reader.found.get("cluster.tls.min_version"), reader.found.get("cluster.tls.max_version")
    lowest = reader.take("cluster.tls.min_version", values.version, "1.2")
    highest = reader.take("cluster.tls.max_version", values.version, "1.3")
    if low is not None and high is not None and lowest > highest:
        reader.refuse("cluster.tls.min_version", f"is above max_version: no version is from {lowest} to {highest}")
    return lowest, highest


def _proven_pair(reader: Taker, made: ClusterTls) -> None:
    """Certificate and key come together, and belong together."""
    for one, other in (("certificate", "key"), ("key", "certificate")):
        if f"cluster.tls.{one}" in reader.found and f"cluster.tls.{other}" not in reader.found:
            reader.refuse(f"cluster.tls.{one}", f"needs cluster.tls.{other}")
    if made.certificate is None or made.key is None:
        return
    try:
        tls.cluster_context(ClusterTls(verify="unsafe_none", certificate=made.certificate, key=made.key))
    except ConfigError as error:
        for fault in error.faults:
            blamed = "key" if fault.where == made.key else "certificate"
            reader.refuse(f"cluster.tls.{blamed}", f"{fault.where} {fault.message}")


def forwarded(reader: Taker) -> Forwarded:
    """The section `forwarded`."""
    mode = reader.take("forwarded.mode", lambda node: values.choice(node, FORWARDED_MODES), "keep")
    peers: tuple[str, ...] = ()
    peers = reader.take("forwarded.peers", lambda node: values.each(node, values.network), peers)
    if mode == "append" and "forwarded.peers" not in reader.found:
        reader.refuse("forwarded.mode", "append needs forwarded.peers: the fronts whose word is to be extended")
    if mode != "append" and "forwarded.peers" in reader.found:
        reader.refuse("forwarded.peers", f"means nothing with mode: {mode}: it belongs to append")
    return Forwarded(mode=mode, peers=peers)
