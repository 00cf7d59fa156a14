"""aiohttp with a backoff for each request.

Its place waits as long as the answer says, otherwise 1, 2, 4 … 60 s, of which half is jitter.
"""

import asyncio
import random

import aiohttp
from common import BODY, Files, arguments

LONGEST = 60.0


async def main() -> None:
    args = arguments()
    files = Files(args.out)
    numbers = iter(range(args.count))
    connector = aiohttp.TCPConnector(limit=args.concurrency)
    timeout = aiohttp.ClientTimeout(total=None)

    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def attempt(number: int) -> float | None:
            """Send once; the seconds that the answer names (0: none), None if all is well."""
            async with session.post(args.url, json=BODY) as response:
                if response.status != 200:
                    return float(response.headers.get("Retry-After", 0))
                with open(files.part(number), "wb") as file:
                    async for chunk in response.content.iter_any():
                        file.write(chunk)
            files.done(number, response.status)
            return None

        async def work() -> None:
            for number in numbers:
                tries = 0
                while (named := await attempt(number)) is not None:
                    wait = min(2.0**tries, LONGEST) * random.uniform(0.5, 1.0)
                    await asyncio.sleep(named or wait)
                    tries += 1

        await asyncio.gather(*(work() for _ in range(args.concurrency)))
    files.close()


asyncio.run(main())
