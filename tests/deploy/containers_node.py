"""What is in the container that stands for Elasticsearch in docker-compose.yml: the embedded cluster, by the settings
that the genuine image takes from the same variables. Run inside the image, which has Startgate and nothing of these
tests.
"""

import asyncio
import json
import os
import signal
import ssl
import urllib.request
from pathlib import Path

from proxy.embedded.app import basic, serve_embedded
from proxy.embedded.security.store import ELASTIC_PASSWORD

CONFIG = Path("/usr/share/elasticsearch/config")
SECURITY = "xpack.security."
HTTP = f"{SECURITY}http.ssl."


async def main() -> None:
    """Serves with the certificate and the password of the environment, until it is told to stop."""
    assert os.environ[f"{SECURITY}enabled"] == os.environ[f"{HTTP}enabled"] == "true"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CONFIG / os.environ[f"{HTTP}certificate"], CONFIG / os.environ[f"{HTTP}key"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serve_embedded("0.0.0.0", 9200, tls=context):
        await asyncio.to_thread(take_password, os.environ["ELASTIC_PASSWORD"])
        print("started", flush=True)
        await stop.wait()


def take_password(password: str) -> None:
    """Gives `elastic` its password, as the genuine image does before it serves."""
    request = urllib.request.Request(
        "https://localhost:9200/_security/user/elastic/_password",
        method="POST",
        data=json.dumps({"password": password}).encode(),
        headers={"Content-Type": "application/json", "Authorization": basic("elastic", ELASTIC_PASSWORD)},
    )
    authorities = ssl.create_default_context(cafile=CONFIG / os.environ[f"{HTTP}certificate_authorities"])
    with urllib.request.urlopen(request, context=authorities) as answer:  # noqa: S310 -- this very process
        assert answer.status == 200


if __name__ == "__main__":
    asyncio.run(main())
