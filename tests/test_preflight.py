"""What is found out before anything listens."""

import dataclasses
from pathlib import Path

import pytest

from proxy import preflight
from proxy.config import shipped_rules
from proxy.errors import CannotServe, ExitStatus, RulesError
from proxy.settings import GateSettings, IdentitySettings, TrustedHeader
from tests.cluster_double import SERVICE, Double, cluster
from tests.identity.samples import rules_by_roles


def settings(*nodes: str, service: str | None = SERVICE, rules: Path | None = None) -> GateSettings:
    """A gate's settings in front of these nodes."""
    return GateSettings(
        socket="", nodes=nodes, rules=str(rules or shipped_rules()), journal="/nowhere", service=service
    )


async def test_a_good_cluster_tells_its_name() -> None:
    async with cluster(Double()) as double:
        found = await preflight.run(settings(double.url), wait_s=0)
    assert (found.name, found.version, found.service) == ("flights", "9.1.0", "startgate")
    assert found.cluster == "flights (Elasticsearch 9.1.0)"
    assert found.warnings == ()
    assert found.rules.revision


async def test_without_a_service_credential_it_goes_on_and_says_what_will_not_work() -> None:
    async with cluster(Double()) as double:
        found = await preflight.run(settings(double.url, service=None), wait_s=0)
    assert found.cluster == "a cluster that hides its name"
    assert found.service is None
    assert "no service credential" in found.warnings[0]


async def test_a_cluster_without_security_is_told() -> None:
    async with cluster(Double(secured=False, security=False)) as double:
        found = await preflight.run(settings(double.url, service=None), wait_s=0)
    assert found.name == "flights"
    assert "no security" in found.warnings[0]


async def test_anonymous_access_is_no_service_credential() -> None:
    async with cluster(Double(secured=False)) as double:
        found = await preflight.run(settings(double.url, service=None), wait_s=0)
    assert found.service is None
    assert found.warnings == (preflight.NO_SERVICE,)


async def test_a_refused_service_credential_is_an_operators_mistake() -> None:
    async with cluster(Double()) as double:
        with pytest.raises(CannotServe, match="refuses the service credential") as caught:
            await preflight.run(settings(double.url, service="ApiKey d3Jvbmc6Zm9y"), wait_s=0)
    assert caught.value.exit_status == ExitStatus.INVALID
    assert "d3Jvbmc6Zm9y" not in str(caught.value)


async def test_a_cluster_that_tells_anybody_its_name_still_refuses_a_wrong_credential() -> None:
    async with cluster(Double(greets=True)) as double:
        with pytest.raises(CannotServe, match=r"refuses the service credential .*: unable to authenticate"):
            await preflight.run(settings(double.url, service="ApiKey d3Jvbmc6Zm9y"), wait_s=0)


@pytest.mark.parametrize("banner", [{"status": "ok"}, ["a list"], {"version": "9.1.0"}, {"version": {"number": 9}}])
async def test_what_is_not_elasticsearch_is_told(banner: object) -> None:
    async with cluster(Double(secured=False, banner=banner)) as double:
        with pytest.raises(CannotServe, match="not Elasticsearch") as caught:
            await preflight.run(settings(double.url), wait_s=0)
    assert caught.value.exit_status == ExitStatus.INVALID


async def test_nobody_there() -> None:
    with pytest.raises(
        CannotServe, match=r"does not answer at http://127\.0\.0\.1:9, http://127\.0\.0\.1:7: "
    ) as caught:
        await preflight.run(settings("http://127.0.0.1:9", "http://127.0.0.1:7"), wait_s=0)
    assert caught.value.exit_status == ExitStatus.UNREACHABLE
    assert "ssl" not in str(caught.value)


VERIFY = (
    "GET /: Cannot connect to host es:9200 ssl:True [SSLCertVerificationError: (1, '[SSL: CERTIFICATE_VERIFY_FAILED] "
)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (
            f"{VERIFY}certificate verify failed: self-signed certificate (_ssl.c:1006)')]",
            "the certificate is not accepted: self-signed certificate; "
            "cluster.tls.ca must name the authority that signed it",
        ),
        (
            f"{VERIFY}certificate verify failed: Hostname mismatch, certificate is not valid for 'es'. (_ssl.c:1)')]",
            "the certificate is not accepted: Hostname mismatch, certificate is not valid for 'es'; "
            "name the nodes in cluster.nodes as the certificate does, or one of its names in cluster.tls.server_name",
        ),
        ("GET /: refused ssl:default [no]", "GET /: refused [no]"),
        ("GET /: the answer is not JSON", "GET /: the answer is not JSON; is this Elasticsearch?"),
        ("GET /: Server disconnected", "GET /: Server disconnected; does the node speak https?"),
    ],
)
def test_a_failure_is_told_in_an_operators_words(failure: str, told: str) -> None:
    assert preflight.in_words(failure) == told


async def test_plain_http_where_tls_was_expected_is_told() -> None:
    async with cluster(Double()) as double:
        with pytest.raises(CannotServe, match=r"does the node speak plain http\?"):
            await preflight.run(settings(double.url.replace("http:", "https:")), wait_s=0)


async def test_a_cluster_that_is_still_starting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PAUSE_S", 0.01)
    async with cluster(Double(down=3)) as double:
        found = await preflight.run(settings(double.url), wait_s=5)
        assert found.name == "flights"
        double.down = 1000
        with pytest.raises(CannotServe, match="status 503"):
            await preflight.run(settings(double.url), wait_s=0.05)


async def test_a_cluster_that_goes_away_between_two_questions() -> None:
    async with cluster(Double(answers=1)) as double:
        with pytest.raises(
            CannotServe, match=r"does not answer at .* GET /_security/_authenticate: status 503"
        ) as caught:
            await preflight.run(settings(double.url), wait_s=0)
    assert caught.value.exit_status == ExitStatus.UNREACHABLE


async def test_one_node_of_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PAUSE_S", 0.01)
    async with cluster(Double()) as double:
        for _ in range(5):
            found = await preflight.run(settings("http://127.0.0.1:9", double.url), wait_s=0)
            assert found.name == "flights"


async def test_broken_rules_are_told_before_the_cluster_is_asked(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("version: 7\n")
    with pytest.raises(RulesError, match=r"rules\.yml"):
        await preflight.run(settings("http://127.0.0.1:9", rules=tmp_path / "rules.yml"), wait_s=60)


OWN = IdentitySettings(header=TrustedHeader(name="X-User", peers=("10.0.0.5/32",)))


async def test_our_own_identities_and_the_clusters_word_do_not_go_together() -> None:
    asked = dataclasses.replace(settings("http://127.0.0.1:9"), identity=OWN)
    with pytest.raises(RulesError, match="authority is cluster, and identity"):
        await preflight.run(asked, wait_s=0)


async def test_with_our_own_identities_a_cluster_without_security_is_as_it_should_be(tmp_path: Path) -> None:
    async with cluster(Double(secured=False, security=False)) as double:
        asked = dataclasses.replace(settings(double.url, service=None, rules=rules_by_roles(tmp_path)), identity=OWN)
        assert (await preflight.run(asked, wait_s=0)).warnings == ()


async def test_with_our_own_identities_a_cluster_with_security_is_told(tmp_path: Path) -> None:
    async with cluster(Double()) as double:
        asked = dataclasses.replace(settings(double.url, rules=rules_by_roles(tmp_path)), identity=OWN)
        assert (await preflight.run(asked, wait_s=0)).warnings == (preflight.OWN_IDENTITIES,)
