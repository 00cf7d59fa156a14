"""aiohttp under the adaptive concurrency of inspect_ai, which it offers for any call.

What its model layer does around a call is done here: a request keeps its place while it is tried
again, a 429 counts against the limit, an answer without a retry for it; waits are those of its
retries (3 s at first, with jitter). The least is lowered to 1: its own would be 10.
"""

import asyncio

import aiohttp
from common import BODY, Files, arguments
from inspect_ai.util import AdaptiveConcurrency, concurrency
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential_jitter


async def main() -> None:
    args = arguments()
    files = Files(args.out)
    most = args.concurrency
    bounds = AdaptiveConcurrency(min=1, start=most, max=most)
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    numbers = iter(range(args.count))

    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def attempt(number: int) -> None:
            async with session.post(args.url, json=BODY) as response:
                response.raise_for_status()
                with open(files.part(number), "wb") as file:
                    async for chunk in response.content.iter_any():
                        file.write(chunk)
            files.done(number, response.status)

        async def one(number: int) -> None:
            async with concurrency("clips", most, adaptive=bounds) as controller:

                def note(state) -> None:
                    error = state.outcome.exception()
                    if isinstance(error, aiohttp.ClientResponseError) and error.status == 429:
                        controller.notify_retry()

                retrying = AsyncRetrying(
                    wait=wait_exponential_jitter(initial=3, max=30 * 60, jitter=3),
                    retry=retry_if_exception_type(aiohttp.ClientError),
                    before_sleep=note,
                )
                await retrying(attempt, number)
                if retrying.statistics["attempt_number"] == 1:
                    controller.notify_success()

        async def work() -> None:
            for number in numbers:
                await one(number)

        await asyncio.gather(*(work() for _ in range(most)))
    files.close()


asyncio.run(main())
