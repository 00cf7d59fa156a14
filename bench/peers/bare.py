"""The bare transport loop: httpx over the pipeline's own transport, and nothing else.

No queue, no gate, no claims, no checks, nothing durable: what is left when all that is taken away.
"""

import asyncio
import hashlib

import httpx
from common import BODY, Files, arguments

from pipeline.api.endpoint import Endpoint
from pipeline.api.transport import FreshConnections


async def main() -> None:
    args = arguments()
    files = Files(args.out)
    numbers = iter(range(args.count))

    async with httpx.AsyncClient(
        transport=FreshConnections(Endpoint(args.url, "none")), timeout=600, trust_env=False
    ) as client:

        async def work() -> None:
            for number in numbers:
                digest = hashlib.sha256() if args.hash else None
                async with client.stream("POST", args.url, json=BODY) as response:
                    with open(files.part(number), "wb") as file:
                        async for chunk in response.aiter_bytes():
                            file.write(chunk)
                            if digest:
                                digest.update(chunk)
                files.done(number, response.status_code, digest and digest.hexdigest())

        await asyncio.gather(*(work() for _ in range(args.concurrency)))
    files.close()


asyncio.run(main())
