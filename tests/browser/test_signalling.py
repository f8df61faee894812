"""Two real browsers find each other through a server of ours, with the manual's own program."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from importlib.resources import files
from typing import Self

import pytest

from stunkit.lab import Namespace
from stunkit.lab.command import configure_links
from stunkit.server.server import Server
from tests.browser.chromium import MDNS, Chromium, Page
from tests.integration.server.web.calling import make_room, place_of, serving

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

MANUAL = (files("stunkit") / "manual" / "signalling.md").read_text("utf-8")
PROGRAM = re.findall(r"^```javascript\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)[0]
CALL = """
window.heard = [];
window.opened = 0;
window.call = new Call("ws://PLACE/signal", "ROOM", pc => {
  const chat = window.chat = pc.createDataChannel("chat", {negotiated: true, id: 0});
  chat.onopen = () => window.opened++;
  chat.onmessage = ({data}) => heard.push(data);
});
undefined
"""
MUTE = """
window.call = new Call("ws://PLACE/signal", "ROOM", () => {});
undefined
"""
OPENED = "opened >= COUNT && chat.readyState === 'open' && opened"
HEARD = "heard.length >= COUNT && heard"
NEGOTIATED = """call.pc.signalingState === "stable" && call.pc.getTransceivers().length === 2
  && call.pc.getTransceivers().every(one => one.currentDirection)"""
GIVE_UP = 60_000  # milliseconds until a page says how far it has come
WAIT = """new Promise((done, fail) => {
  const end = performance.now() + GIVE_UP;
  const look = () => {
    const found = EXPRESSION;
    if (found) return done(found);
    if (performance.now() < end) return setTimeout(look, 20);
    const {polite, session, received, sent, offering, ignoring, pc} = call;
    const {signalingState, iceGatheringState, iceConnectionState} = pc ?? {};
    fail(new Error("nothing came: " + JSON.stringify({polite, session, received, offering,
      ignoring, signalingState, iceGatheringState, iceConnectionState, sent}, null, 1)));
  };
  look();
})"""
NETWORK = (
    "link set lo up",
    "link add eth0 type veth peer name port0",
    "link set port0 up",
    "link set eth0 up",
    "address add 10.0.0.2/24 dev eth0",
    "route add default via 10.0.0.1",
)


class Serving:
    """A server of ours in a thread, since the browsers' harness waits where it stands."""

    def __init__(self, network: Namespace) -> None:
        self.network = network
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._run()))

    async def _run(self) -> None:
        async with serving(origins=("*",)) as self.server:
            self.place = place_of(self.server)
            self._ready.set()
            await self._over.wait()

    def room(self) -> str:
        return asyncio.run_coroutine_threadsafe(make_room(self.place), self.loop).result(10)

    def break_connections(self) -> None:
        """Have every WebSocket gone without a word."""
        server: Server = self.server
        for caller in list(server.web.switchboard.callers.values()):
            self.loop.call_soon_threadsafe(caller.abort)

    def __enter__(self) -> Self:
        self.network.call(self._thread.start)
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)
        self.loop.close()


@pytest.fixture(scope="module")
def network() -> Iterator[Namespace]:
    with Namespace("network") as made:
        made.call(configure_links, "set up a network", list(NETWORK))
        yield made


@pytest.fixture(scope="module")
def server(network) -> Iterator[Serving]:
    with Serving(network) as one:
        yield one


@pytest.fixture(scope="module")
def browsers(network) -> Iterator[tuple[Chromium, Chromium]]:
    with (
        Chromium(network, disabled=(MDNS,)) as one,
        Chromium(network, disabled=(MDNS,)) as other,
    ):
        yield one, other


def call(page: Page, server: Serving, room: str, program: str = CALL) -> None:
    page.evaluate(PROGRAM + program.replace("PLACE", server.place).replace("ROOM", room))


def wait(page: Page, expression: str, number: int = 1) -> object:
    """Return the value of an expression once it is something."""
    script = WAIT.replace("EXPRESSION", expression).replace("COUNT", str(number))
    return page.evaluate(script.replace("GIVE_UP", str(GIVE_UP)))


def test_program_is_short():
    assert len(PROGRAM.splitlines()) < 100


def test_two_browsers_talk_and_go_on_when_the_server_loses_them(server, browsers):
    room = server.room()
    one, other = (browser.page() for browser in browsers)
    call(one, server, room)
    call(other, server, room)
    assert (wait(one, OPENED), wait(other, OPENED)) == (1, 1)
    one.evaluate("chat.send('hello')")
    assert wait(other, HEARD) == ["hello"]
    server.break_connections()
    for page in (one, other):  # both offer before they hear of each other again
        page.evaluate("call.pc.addTransceiver('audio'), 0")
    one.evaluate("call.pc.createDataChannel('more', {negotiated: true, id: 1}), 0")
    assert [wait(page, NEGOTIATED) for page in (one, other)] == [True, True]
    assert one.evaluate("call.session") == other.evaluate("call.session") == 2
    one.evaluate("chat.send('still there')")
    assert wait(other, HEARD, 2) == ["hello", "still there"]


@pytest.mark.parametrize("is_first_mute", [True, False])
def test_one_side_may_have_nothing_to_offer(server, browsers, is_first_mute):
    room = server.room()
    one, other = (browser.page() for browser in browsers)
    call(one, server, room, MUTE if is_first_mute else CALL)
    wait(one, "call.token")  # so it is the impolite one, that begins
    call(other, server, room, CALL if is_first_mute else MUTE)
    connected = "call.pc?.connectionState === 'connected'"
    assert [wait(page, connected) for page in (one, other)] == [True, True]


def test_a_page_that_is_loaded_again_calls_anew(server, browsers):
    room = server.room()
    one, other = (browser.page() for browser in browsers)
    call(one, server, room)
    call(other, server, room)
    assert (wait(one, OPENED), wait(other, OPENED)) == (1, 1)
    token = other.evaluate("(call.over = true, call.socket.close(), call.token)")
    again = browsers[1].page()
    known = f"new (class extends Call {{ token = {token!r} }})("
    call(again, server, room, CALL.replace("new Call(", known))
    assert wait(one, OPENED, 2) == 2
    assert wait(again, OPENED) == 1
    again.evaluate("call.leave()")
    assert wait(one, "!call.pc") is True
