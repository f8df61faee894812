"""A rehearsal through a real relay, whose credentials the server hands out."""

from __future__ import annotations

import asyncio

from aioice import ice

from stunkit.call.rehearsal import judge
from stunkit.net.signalling import make_room
from stunkit.rehearsal.media import Sources
from stunkit.rehearsal.rehearsing import Rehearsing, Said
from stunkit.rehearsal.wishes import Wishes
from stunkit.signal.link import Website
from tests.integration.server.web.calling import place_of, serving
from tests.integration.turnserver import PEERS, SECRET, SECRETS, turnserver

SILENT = Wishes(Sources(has_video=False, has_audio=False), seconds=40)


async def test_two_that_have_a_relay_alone_connect_through_it(tmp_path, monkeypatch):
    monkeypatch.setattr(ice, "get_host_addresses", lambda **_: [])
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    (tmp_path / "turn").mkdir()
    with turnserver(tmp_path / "turn", *SECRETS, *PEERS) as relay:
        uris = (f"turn:{relay}?transport=tcp", f"turn:{relay}")
        async with serving(turn=uris, turn_secret_file=secret) as server:
            link = (await make_room(Website.parse(place_of(server)))).link
            one = Rehearsing(link, SILENT, lambda news: isinstance(news, Said) and one.end())
            other = Rehearsing(link, SILENT)
            other.chat("hello")
            seen = await asyncio.gather(one.run(), other.run())
    for end in seen:
        assert judge(end).outcome == "relay"
        assert end.pair is not None
        assert (end.pair.local.type, end.pair.local.relay_protocol) == ("relay", "udp")
        assert {spot.type for spot in end.local} == {"relay"}
