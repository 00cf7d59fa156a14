"""httpx as its documentation shows it: one client, a semaphore, a task for each request."""

import asyncio
import hashlib

import httpx
from common import BODY, Files, arguments


async def main() -> None:
    args = arguments()
    files = Files(args.out)
    bound = asyncio.Semaphore(args.concurrency)
    limits = httpx.Limits(max_connections=args.concurrency)

    async with httpx.AsyncClient(limits=limits, timeout=600) as client:

        async def one(number: int) -> None:
            digest = hashlib.sha256() if args.hash else None
            async with bound, client.stream("POST", args.url, json=BODY) as response:
                with open(files.part(number), "wb") as file:
                    async for chunk in response.aiter_bytes():
                        file.write(chunk)
                        if digest:
                            digest.update(chunk)
            files.done(number, response.status_code, digest and digest.hexdigest())

        await asyncio.gather(*(one(number) for number in range(args.count)))
    files.close()


asyncio.run(main())
