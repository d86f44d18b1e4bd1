"""`startgate embedded`."""

import asyncio
import signal

from tests.children import running, said


async def test_embedded_says_where_it_is_and_stops() -> None:
    async with running(["-m", "proxy", "embedded", "--port", "0"]) as process:
        line = await said(process)
        assert line.startswith("embedded cluster ready: http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
