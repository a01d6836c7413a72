#!/usr/bin/env python3
"""hosts.py PORT : plays a host on every address of 127.0.0.0/8, each behaving as the third byte of its address says.

GET /times on PORT + 1 gives, for each address, when it was asked about a token.

third byte: 0 answers at once, 1 accepts and never answers, 2 answers oddly"""

import asyncio
import json
import sys
import time

times = {}


def answer(status, body, kind="application/json"):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


ODD = [
    answer(500, b"{}"),
    answer(200, b"<!doctype html><html><title>log in</title></html>", "text/html"),
    b"220 mail.example.com ESMTP\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{",
    b"\x15\x03\x01\x00\x02\x02\x28",
    answer(503, b"{}"),
    answer(302, b""),
    b"",
]


async def serve(reader, writer):
    address, _ = writer.get_extra_info("sockname")
    if not writer.get_extra_info("peername")[0].startswith("127."):
        return writer.close()
    first, second, third, fourth = map(int, address.split("."))
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if b"\r\nauthorization:" in head.lower():
                times.setdefault(address, []).append(time.time())
            if third == 1:
                await asyncio.sleep(3600)
            elif third == 2:
                writer.write(ODD[fourth % len(ODD)])
                await writer.drain()
                break
            elif b"\r\nauthorization:" in head.lower():
                writer.write(answer(200, json.dumps({"id": address}).encode()))
            else:
                writer.write(answer(401, b"{}"))
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


async def report(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(200, json.dumps(times).encode()))
    await writer.drain()
    writer.close()


async def main(port):
    async with (
        await asyncio.start_server(serve, "0.0.0.0", port, backlog=4096),
        await asyncio.start_server(report, "127.0.0.1", port + 1),
    ):
        print("ready", flush=True)
        await asyncio.sleep(100_000)


asyncio.run(main(int(sys.argv[1])))
