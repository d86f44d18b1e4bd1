"""What is wished for, and files."""

import pytest

from proxy.starter.model import Wish, secret, text


@pytest.mark.parametrize(
    ("listen", "host"), [("127.0.0.1:9400", "127.0.0.1"), ("[::1]:9400", "::1"), ("es.example.org:1", "es.example.org")]
)
def test_the_host_that_is_listened_on(listen: str, host: str) -> None:
    assert Wish(nodes=("http://a:1",), listen=listen).host == host


def test_secrets_are_private_kept_and_not_shown() -> None:
    one = secret("secrets/a", "word")
    assert (one.mode, one.keep, "word" in repr(one)) == (0o600, True, False)
    assert (text("a", "b").mode, text("a", "b").keep) == (0o644, False)
