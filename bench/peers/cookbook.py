"""The idea of the OpenAI cookbook's parallel request script, for answers that are bytes.

A dispatch loop keeps the budget of requests a minute, starts one task for each request, and sleeps
a millisecond after each look; failed requests go to a retry queue; after a rate limit it pauses.
The budget is set so high that only the loop itself paces. The original has no bound on what is in
flight: here the loop waits for a place, and there can be more than its five attempts.
"""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field

import aiohttp
from common import BODY, Files, arguments

SLEEP_EACH_LOOP = 0.001
PAUSE_AFTER_RATE_LIMIT = 15.0
REQUESTS_A_MINUTE = 10_000_000.0


@dataclass
class Tracker:
    in_progress: int = 0
    failed: int = 0
    rate_limited_at: float = 0.0


@dataclass
class Request:
    number: int
    attempts_left: int
    errors: list[str] = field(default_factory=list)


async def call(session, args, files, request, retries, tracker) -> None:
    digest = hashlib.sha256() if args.hash else None
    try:
        async with session.post(args.url, json=BODY) as response:
            if response.status == 429:
                tracker.rate_limited_at = time.time()
            response.raise_for_status()
            with open(files.part(request.number), "wb") as file:
                async for chunk in response.content.iter_any():
                    file.write(chunk)
                    if digest:
                        digest.update(chunk)
        files.done(request.number, response.status, digest and digest.hexdigest())
    except aiohttp.ClientError as error:
        request.errors.append(str(error))
        request.attempts_left -= 1
        if request.attempts_left:
            retries.put_nowait(request)
        else:
            tracker.failed += 1
    tracker.in_progress -= 1


async def main() -> None:
    args = arguments()
    files = Files(args.out)
    retries: asyncio.Queue[Request] = asyncio.Queue()
    tracker = Tracker()
    numbers = iter(range(args.count))
    upcoming: Request | None = None
    capacity, updated = REQUESTS_A_MINUTE, time.time()
    running: set[asyncio.Task[None]] = set()
    exhausted = False
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        while True:
            if upcoming is None:
                if not retries.empty():
                    upcoming = retries.get_nowait()
                elif not exhausted:
                    number = next(numbers, None)
                    exhausted = number is None
                    upcoming = None if number is None else Request(number, args.attempts)
            now = time.time()
            capacity = min(capacity + REQUESTS_A_MINUTE * (now - updated) / 60.0, REQUESTS_A_MINUTE)
            updated = now
            if upcoming and capacity >= 1 and tracker.in_progress < args.concurrency:
                capacity -= 1
                tracker.in_progress += 1
                task = asyncio.create_task(call(session, args, files, upcoming, retries, tracker))
                running.add(task)
                task.add_done_callback(running.discard)
                upcoming = None
            if exhausted and upcoming is None and not tracker.in_progress and retries.empty():
                break
            await asyncio.sleep(SLEEP_EACH_LOOP)
            since = time.time() - tracker.rate_limited_at
            if since < PAUSE_AFTER_RATE_LIMIT:
                await asyncio.sleep(PAUSE_AFTER_RATE_LIMIT - since)
    files.close()
    raise SystemExit(bool(tracker.failed))


asyncio.run(main())
