"""A STUN server to test a client against: a real one on loopback, which makes mistakes on demand.

    with StunServer() as server:
        server.drop(0.5)
        my_client.ask(server.host, server.port)

It runs in a thread with an event loop of its own, so it serves tests of any kind.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError
from stunkit.fuzz.faulty import Faults, check_name, make_lane
from stunkit.protocol.credentials import Credentials
from stunkit.server.server import Server
from stunkit.server.settings.material import Material
from stunkit.server.settings.tree import Settings
from stunkit.wire.uri import Transport

PATIENCE = 20.0  # seconds for a start or an end: less than one on an idle machine
ALTERNATES = {Family.IPV4: "127.0.0.2"}  # Linux has all of 127.0.0.0/8 on loopback


class _Faulty(Server):
    def __init__(self, settings: Settings, material: Material | None, faults: Faults) -> None:
        super().__init__(settings, material=material)
        self._lane = make_lane(faults)


class StunServer:
    """A server under settings of ``stunkit.Settings``; use it with ``with``.

    ``users`` are names and passwords that make it a closed one, with ``realm`` a long-term one
    (RFC 8489 section 9). ``alternate`` may be True: the server has OTHER-ADDRESS then (RFC 5780).
    ``faults`` is what goes wrong; the methods set it, and ``heal`` ends it all. Over TCP nothing
    goes wrong.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        realm: str | None = None,
        alternate: bool | tuple[Endpoint, ...] = False,
        **settings: Any,  # noqa: ANN401 (what Settings takes)
    ) -> None:
        settings.setdefault("listen", (Endpoint.of("127.0.0.1", 0),))
        if alternate is True:
            families = [endpoint.family for endpoint in settings["listen"]]
            alternate = tuple(Endpoint.of(ALTERNATES[family], 0) for family in families)
        self.settings = Settings(alternate=alternate or (), **settings)
        self._material: Material | None = None
        if users is not None:
            secret = bytes(32) if realm is not None else b""
            credentials = Credentials(users, realm=realm, nonce_secret=secret)
            loaded = Material.load(self.settings, bytes(32))
            self._material = loaded._replace(credentials=credentials)
        self.faults = Faults()
        self._server: Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    # where it is

    @property
    def endpoints(self) -> list[tuple[Transport, Endpoint]]:
        """Every socket of the server: UDP and TCP at each endpoint."""
        if self._server is None:
            raise StartError("the server does not run", "use it with `with`")
        return self._server.endpoints

    @property
    def endpoint(self) -> Endpoint:
        """Its first address and port, for UDP and TCP."""
        return self.endpoints[0][1]

    @property
    def host(self) -> str:
        """Its first address."""
        return self.endpoint.host

    @property
    def port(self) -> int:
        """Its first port."""
        return self.endpoint.port

    @property
    def uri(self) -> str:
        """Its name as a URI (RFC 7064); "?transport=tcp" may follow."""
        return f"stun:{self.endpoint}"

    # what goes wrong

    def drop(self, share: float = 1.0) -> None:
        """Do not hear this share of the requests."""
        self.faults.loss = share

    def drop_next(self, count: int = 1) -> None:
        """Do not hear the next requests."""
        self.faults.losses = count

    def delay(self, seconds: float) -> None:
        """Answer later."""
        self.faults.delay = seconds

    def wrong_source(self) -> None:
        """Answer from another port, as a NAT that does not hold together would."""
        self.faults.wrong_source = True

    def no_other_address(self) -> None:
        """Do not say that there is another address."""
        self.fault("no-other-address")

    def bad_integrity(self) -> None:
        """Sign answers wrongly."""
        self.fault("bad-integrity")

    def fault(self, name: str) -> None:
        """Make one of the mistakes of ``stunkit.conformance.faults``. Raises UsageError."""
        check_name(name, has_quartet=bool(self.settings.alternate))
        self.faults.names = [*self.faults.names, name]

    def heal(self) -> None:
        """Be right again."""
        faults = self.faults
        faults.loss, faults.losses, faults.delay, faults.names = 0.0, 0, 0.0, []
        faults.wrong_source = False

    # from the start to the end

    def start(self) -> None:
        """Start, and return once every socket answers. Raises StartError or SettingsError."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self._server = self._call(self._start())
        except BaseException:
            self._end_loop()
            raise

    def stop(self) -> None:
        """Stop, with everything closed."""
        server, self._server = self._server, None
        if server is not None:
            try:
                self._call(server.drain())
            finally:
                self._end_loop()

    async def _start(self) -> Server:
        server = _Faulty(self.settings, self._material, self.faults)
        await server.start()
        return server

    def _call(self, coroutine: Any) -> Any:  # noqa: ANN401 (whatever it returns)
        assert self._loop is not None  # noqa: S101 (for the type checker)
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def _end_loop(self) -> None:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._call(_cancel_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()
        self._loop = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


async def _cancel_all() -> None:
    """End what still runs, so that nothing is destroyed while it is pending."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
