"""aiohttp: one session, a worker for each place.

--fsync makes body and line durable, in a thread; --fresh closes each connection after its answer.
"""

import asyncio
import hashlib

import aiohttp
from common import BODY, Files, arguments


async def main() -> None:
    args = arguments()
    files = Files(args.out)
    numbers = iter(range(args.count))
    connector = aiohttp.TCPConnector(limit=args.concurrency, force_close=args.fresh)
    timeout = aiohttp.ClientTimeout(total=None)

    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def work() -> None:
            for number in numbers:
                digest = hashlib.sha256() if args.hash else None
                async with session.post(args.url, json=BODY) as response:
                    with open(files.part(number), "wb") as file:
                        async for chunk in response.content.iter_any():
                            file.write(chunk)
                            if digest:
                                digest.update(chunk)
                        sha256 = digest and digest.hexdigest()
                        if args.fsync:
                            file.flush()
                            await asyncio.to_thread(
                                files.durable, number, file.fileno(), response.status, sha256
                            )
                if not args.fsync:
                    files.done(number, response.status, sha256)

        await asyncio.gather(*(work() for _ in range(args.concurrency)))
    files.close()


asyncio.run(main())
