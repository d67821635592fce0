"""A TCP proxy on loopback that passes, refuses, holds or drops bytes."""

import asyncio
from contextlib import suppress
from enum import Enum

from tests.support.loop import LoopThread
from tests.support.product import free_port


class Mode(Enum):
    """The treatment of connections, open ones included."""

    PASS = "pass"
    #: The port is closed, and open connections are reset.
    REFUSE = "refuse"
    #: Bytes are held back both ways, and arrive after the fault.
    HOLD = "hold"
    #: Requests pass, and the connection is cut when the answer begins.
    NO_ANSWER = "no answer"


class Wire(LoopThread):
    """A proxy on a port of its own; ``to`` is the port behind it."""

    def __init__(self, to: int) -> None:
        super().__init__()
        self._to, self.port = to, free_port()
        self._open = asyncio.Event()
        self._links: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._do(self._switch(Mode.PASS))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def be(self, mode: Mode) -> None:
        """Switch to a mode."""
        self._do(self._switch(mode))

    def close(self) -> None:
        """Reset all connections and end."""
        self._do(self._switch(Mode.REFUSE))
        self._do(self._cancel_tasks())
        super().close()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, reuse_address=True
        )

    async def _switch(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.HOLD:
            self._open.clear()
        else:
            self._open.set()
        if mode is Mode.REFUSE and self._server is not None:
            for listener in self._server.sockets:
                self._loop.remove_reader(listener)
            # A connection accepted in this turn of the loop needs its server once more.
            await asyncio.sleep(0)
            self._server.close()
            self._server = None
            for link in list(self._links):
                link.transport.abort()
        elif mode is not Mode.REFUSE and self._server is None:
            await self._listen()

    async def _cancel_tasks(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(writer)
        beyond = None
        try:
            await self._open.wait()
            if self._mode is Mode.REFUSE:
                return
            behind, beyond = await asyncio.open_connection("127.0.0.1", self._to)
            self._links.add(beyond)
            forth = asyncio.create_task(self._copy(reader, beyond, answers=False))
            back = asyncio.create_task(self._copy(behind, writer, answers=True))
            await asyncio.wait({forth, back}, return_when=asyncio.FIRST_COMPLETED)
            forth.cancel()
            # An answer may still be under way to a client that has only ended its request.
            back.cancel()
        except OSError:
            pass
        finally:
            for end in filter(None, (writer, beyond)):
                self._links.discard(end)
                with suppress(OSError, RuntimeError):
                    end.transport.abort()

    async def _copy(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(OSError):
            while octets := await source.read(65536):
                await self._open.wait()
                if answers and self._mode is Mode.NO_ANSWER:
                    return
                sink.write(octets)
                await sink.drain()
