"""Where a proxy is asked, and as whom: the values of the shared options."""

from pathlib import Path

import pytest
import trustme

from proxy.commands.asking import asking_of
from proxy.errors import ConfigError
from proxy.planned.ask import Asking

URL = "http://127.0.0.1:9400"


def test_nobody_is_named() -> None:
    assert asking_of(URL, None, None, None) == Asking(url=URL)
    assert asking_of(URL, None, None, None, "bob").run_as == "bob"


def test_a_user_or_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARTGATE_PASSWORD", "secret")
    (tmp_path / "key").write_text("id:word\n")
    key = str(tmp_path / "key")
    assert asking_of(URL, "anna", None, None).authorization == "Basic YW5uYTpzZWNyZXQ="
    assert asking_of(URL, None, key, None).authorization == "ApiKey aWQ6d29yZA=="
    with pytest.raises(ConfigError, match="one of the two"):
        asking_of(URL, "anna", key, None)


def test_authorities_are_for_https_alone(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    assert asking_of(URL, None, None, str(tmp_path / "ca.pem")).context is None
    context = asking_of("https://localhost:9400", None, None, str(tmp_path / "ca.pem")).context
    assert context is not None
    assert len(context.get_ca_certs()) == 1


def test_an_address_that_is_none() -> None:
    with pytest.raises(ConfigError, match="--url"):
        asking_of("nowhere", None, None, None)
