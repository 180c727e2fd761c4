"""A TCP proxy in a process of its own, for connections that go half-open: frozen, they carry nothing and never close.

One port for each (client, server). A freeze for some seconds holds new connections too, as a network that is away does;
a freeze for ever holds those there are, as a router does that forgot them: new ones pass.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from project.chaos import processes
from project.embedded.process import free_port

Port = tuple[str, str]  # (client, server)


class Proxy:
    """The run's end of the line. `ports`: (client, server) → the port on which that client finds that server."""

    def __init__(self, clients: Sequence[str], upstream: dict[str, int], log: Path) -> None:
        self.ports: dict[Port, int] = {(client, server): free_port() for client in clients for server in upstream}
        routes = [(client, server, port, upstream[server]) for (client, server), port in self.ports.items()]
        self._pid, self._line = processes.forked_with_socket(lambda end: asyncio.run(_serve(end, routes)), log=log)

    def freeze(self, client: str, server: str, seconds: float) -> None:
        """math.inf: for ever, but for new connections."""
        told = {"port": self.ports[client, server], "seconds": None if math.isinf(seconds) else seconds}
        self._line.sendall(json.dumps(told).encode() + b"\n")

    def close(self) -> None:
        processes.close(self._line)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


class Gate:
    """One listening port. `epoch` grows with a freeze for ever: connections of an earlier one carry nothing."""

    def __init__(self, upstream: int) -> None:
        self.upstream, self.epoch = upstream, 0
        self.open = asyncio.Event()
        self.open.set()
        self._for_ever = asyncio.Event()

    def freeze(self, seconds: float | None) -> None:
        if seconds is None:
            self.epoch += 1
        else:
            self.open.clear()
            asyncio.get_running_loop().call_later(seconds, self.open.set)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        epoch = self.epoch
        await self.open.wait()
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.transport.abort()
            return
        pumps = {
            asyncio.create_task(self._pump(reader, there_writer, epoch)),
            asyncio.create_task(self._pump(there_reader, writer, epoch)),
        }
        _, other = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for task in other:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for end in (writer, there_writer):
            end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, epoch: int) -> None:
        """Until one end closes; what it said before has been handed on by then."""
        while True:
            data = await source.read(65536)
            await self.open.wait()
            if epoch != self.epoch:
                await self._for_ever.wait()
            if not data:
                return
            target.write(data)
            await target.drain()


async def _serve(line: socket.socket, routes: Sequence[tuple[str, str, int, int]]) -> None:
    gates = {}
    for _client, _server, port, upstream in routes:
        gates[port] = Gate(upstream)
        await asyncio.start_server(gates[port].accept, "127.0.0.1", port)
    reader, _ = await asyncio.open_connection(sock=line)
    while told := await reader.readline():
        order = json.loads(told)
        gates[order["port"]].freeze(order["seconds"])
