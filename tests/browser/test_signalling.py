"""Two real browsers find each other through a server of ours, with the manual's own program."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from importlib.resources import files
from typing import Self

import pytest

from stunkit.server.server import Server
from tests.browser.chromium import MDNS, Chromium, Page
from tests.integration.server.web.calling import make_room, place_of, serving

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

MANUAL = (files("stunkit") / "manual" / "signalling.md").read_text("utf-8")
PROGRAM = re.findall(r"^```javascript\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)[0]
CALL = """
(() => {
  window.Call = Call;
  window.heard = [];
  window.opened = 0;
  window.call = new Call("ws://PLACE/signal", "ROOM", pc => {
    const chat = window.chat = pc.createDataChannel("chat", {negotiated: true, id: 0});
    chat.onopen = () => window.opened++;
    chat.onmessage = ({data}) => heard.push(data);
  });
})()
"""
OPENED = """new Promise(done => {
  const look = () => opened >= COUNT && chat.readyState === "open" ? done(opened)
    : setTimeout(look, 20);
  look();
})"""
HEARD = """new Promise(done => {
  const look = () => heard.length >= COUNT ? done(heard) : setTimeout(look, 20);
  look();
})"""


class Serving:
    """A server of ours in a thread, since the browsers' harness waits where it stands."""

    def __init__(self) -> None:
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
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)
        self.loop.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with Serving() as one:
        yield one


@pytest.fixture(scope="module")
def browsers() -> Iterator[tuple[Chromium, Chromium]]:
    with Chromium(disabled=(MDNS,)) as one, Chromium(disabled=(MDNS,)) as other:
        yield one, other


def call(page: Page, server: Serving, room: str) -> None:
    script = PROGRAM + CALL.replace("PLACE", server.place).replace("ROOM", room)
    page.evaluate(script)


def wait(page: Page, script: str, number: int = 1) -> object:
    return page.evaluate(script.replace("COUNT", str(number)))


def test_program_is_short():
    assert len(PROGRAM.splitlines()) < 100


def test_two_browsers_talk_and_go_on_when_the_server_loses_them(server, browsers):
    room = server.room()
    one, other = (browser.page() for browser in browsers)
    call(one, server, room)
    call(other, server, room)  # both offer at once: each has a channel to tell of
    assert (wait(one, OPENED), wait(other, OPENED)) == (1, 1)
    one.evaluate("chat.send('hello')")
    assert wait(other, HEARD) == ["hello"]
    server.break_connections()
    one.evaluate("call.pc.createDataChannel('more', {negotiated: true, id: 1})")
    one.evaluate("call.pc.addTransceiver('audio')")  # to be negotiated once they are back
    negotiated = """new Promise(done => {
      const look = () => call.pc.getTransceivers()[0]?.currentDirection
        ? done(call.pc.signalingState) : setTimeout(look, 20);
      look();
    })"""
    assert [page.evaluate(negotiated) for page in (one, other)] == ["stable", "stable"]
    assert one.evaluate("call.session") == other.evaluate("call.session") == 2
    one.evaluate("chat.send('still there')")
    assert wait(other, HEARD, 2) == ["hello", "still there"]


def test_a_page_that_is_loaded_again_calls_anew(server, browsers):
    room = server.room()
    one, other = (browser.page() for browser in browsers)
    call(one, server, room)
    call(other, server, room)
    wait(one, OPENED)
    token = other.evaluate("(call.over = true, call.socket.close(), call.token)")
    again = browsers[1].page()
    script = PROGRAM + CALL.replace("PLACE", server.place).replace("ROOM", room)
    again.evaluate(script.replace("new Call(", "new (class extends Call { token = TOKEN })("
        ).replace("TOKEN", repr(token)))  # fmt: skip
    assert wait(one, OPENED, 2) == 2
    assert wait(again, OPENED) == 1
    again.evaluate("call.leave()")
    gone = """new Promise(done => {
      const look = () => call.pc ? setTimeout(look, 20) : done(true);
      look();
    })"""
    assert one.evaluate(gone) is True
