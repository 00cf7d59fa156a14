"""Scrapy: a spider that posts, and saves each answer.

With --throttle its AutoThrottle aims at as many in flight, and its retries have no end.
"""

import hashlib
import json
from pathlib import Path

import scrapy
from common import BODY, Files, arguments
from scrapy.crawler import CrawlerProcess

args = arguments()
files = Files(args.out)


class Clips(scrapy.Spider):
    name = "clips"

    async def start(self):
        body = json.dumps(BODY)
        for number in range(args.count):
            yield scrapy.Request(
                args.url,
                method="POST",
                body=body,
                headers={"Content-Type": "application/json"},
                cb_kwargs={"number": number},
                dont_filter=True,
            )

    def parse(self, response, number):
        Path(files.part(number)).write_bytes(response.body)
        digest = hashlib.sha256(response.body).hexdigest() if args.hash else None
        files.done(number, response.status, digest)


process = CrawlerProcess(
    {
        "CONCURRENT_REQUESTS": args.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": args.concurrency,
        "DOWNLOAD_DELAY": 0,
        "DOWNLOAD_TIMEOUT": 600,
        "DOWNLOAD_MAXSIZE": 0,
        "DOWNLOAD_WARNSIZE": 0,
        "LOG_LEVEL": "ERROR",
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
        "COOKIES_ENABLED": False,
        "RETRY_ENABLED": args.throttle,
        "RETRY_TIMES": 1_000_000,
        "AUTOTHROTTLE_ENABLED": args.throttle,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": args.concurrency,
    }
)
process.crawl(Clips)
process.start()
files.close()
