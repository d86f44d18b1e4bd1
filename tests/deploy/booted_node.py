"""The cluster of a machine of the tests, as a service of it: the embedded one, with TLS.

python booted_node.py CERTIFICATE KEY
"""

import asyncio
import os
import ssl
import sys

from proxy.embedded.app import serve_embedded
from proxy.notify import SOCKET, Manager

PORT = 9200


async def main() -> None:
    """Serves until it is killed, and tells systemd once it does."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    async with serve_embedded("127.0.0.1", PORT, tls=context):
        Manager(os.environ.get(SOCKET)).ready("the cluster serves")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
