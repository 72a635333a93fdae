"""A port of 127.0.0.1 that leads to another one until it is cut: what a network is that fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Forwarder:
    """Where it listens, and how it is cut."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """Its own port."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def listen(self) -> None:
        """Returns once it forwards."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)

    def cut(self) -> None:
        """Closes what is open, and takes nothing new."""
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._open |= {writer, to_writer}
        await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer))
        self._open -= {writer, to_writer}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def forwarder(to_port: int) -> AsyncIterator[Forwarder]:
    """One that is cut at the end of the block, if not before."""
    opened = Forwarder(to_port)
    await opened.listen()
    try:
        yield opened
    finally:
        opened.cut()
