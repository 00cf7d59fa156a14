"""Raw sockets on asyncio: the least that Python can do, and the proof that the server can."""

import asyncio
import hashlib
import json
import re
import socket
from urllib.parse import urlsplit

from common import BODY, Files, arguments

LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


async def main() -> None:
    args = arguments()
    files = Files(args.out)
    numbers = iter(range(args.count))
    url, body = urlsplit(args.url), json.dumps(BODY).encode()
    request = (
        f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    loop = asyncio.get_running_loop()

    async def one(sock: socket.socket, number: int) -> None:
        digest = hashlib.sha256() if args.hash else None
        await loop.sock_sendall(sock, request)
        head = b""
        while (end := head.find(b"\r\n\r\n")) < 0:
            head += await loop.sock_recv(sock, 65536)
        length = LENGTH.search(head)
        assert length is not None
        chunk, left = head[end + 4 :], int(length[1])
        with open(files.part(number), "wb") as file:
            while True:
                file.write(chunk)
                if digest:
                    digest.update(chunk)
                left -= len(chunk)
                if not left:
                    break
                chunk = await loop.sock_recv(sock, 65536)
                assert chunk
        files.done(number, int(head[9:12]), digest and digest.hexdigest())

    async def work() -> None:
        sock = socket.socket()
        sock.setblocking(False)
        await loop.sock_connect(sock, (url.hostname, url.port))
        for number in numbers:
            await one(sock, number)
        sock.close()

    await asyncio.gather(*(work() for _ in range(args.concurrency)))
    files.close()


asyncio.run(main())
