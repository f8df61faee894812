import aiohttp
import pytest

from stunkit.endpoint import Endpoint
from stunkit.server.server import Server
from stunkit.server.settings.tree import Settings
from stunkit.server.settings.web import WebSettings
from tests.integration.command import serve, stunkit
from tests.integration.server.web.calling import ANY, calling, make_room, place_of, serving


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as one:
        yield one


async def test_shows_pages_and_says_when_a_copy_is_still_good(session):
    async with serving() as server:
        url = f"http://{place_of(server)}/rehearse"
        async with session.get(url) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/html"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-cache"
            tag, body = answer.headers["ETag"], await answer.read()
        async with session.head(url) as answer:
            assert (answer.status, answer.content_length) == (200, len(body))
            assert await answer.read() == b""
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            async with session.get(url, headers={"If-None-Match": known}) as answer:
                assert (answer.status, answer.headers["ETag"]) == (304, tag)
                assert "Content-Security-Policy" in answer.headers
        async with session.get(url, headers={"If-None-Match": '"x"'}) as answer:
            assert answer.status == 200


async def test_shows_nothing_else(session):
    async with serving() as server:
        place = place_of(server)
        for path in ("/static/", "/static/../site.py", "/static/%2e%2e/site.py", "/index.html"):
            async with session.get(f"http://{place}{path}") as answer:
                assert answer.status == 404
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        async with session.post(f"http://{place}/") as answer:
            assert answer.status == 405


async def test_tells_a_page_of_the_servers_two_addresses(session):
    settings = Settings(
        listen=(ANY,),
        alternate=(Endpoint.parse("127.0.0.2:0"),),
        web=WebSettings(listen=(ANY,), origins=("https://friend.example",)),
    )
    async with Server(settings) as server:
        url = f"http://{place_of(server)}/config.json"
        async with session.get(url, headers={"Origin": "https://friend.example"}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.example"
            found = await answer.json()
        first, last = server.endpoints[0][1], server.endpoints[-1][1]
        assert (first.host, last.host) == ("127.0.0.1", "127.0.0.2")
        assert first.port != last.port
        assert found["ice_servers"] == [{"urls": [f"stun:{first}"]}]
        assert found["mapping_servers"] == [f"stun:{first}", f"stun:{last}"]


async def test_a_server_on_every_address_is_known_by_the_name_that_was_asked_for(session):
    everywhere = Endpoint.parse("0.0.0.0:0")
    async with Server(Settings(listen=(everywhere,), web=WebSettings(listen=(ANY,)))) as server:
        port = server.endpoints[0][1].port
        place = place_of(server)
        url = f"http://localhost:{place.partition(':')[2]}/config.json"
        async with session.get(url) as answer:
            assert (await answer.json())["mapping_servers"] == [f"stun:localhost:{port}"]
        async with calling(place, headers={"Host": "stun.example.org"}) as (one,):
            joined = await one.join(await make_room(place))
            assert joined["ice_servers"] == [{"urls": [f"stun:stun.example.org:{port}"]}]


async def test_draws_links_to_itself(session):
    async with serving() as server:
        place = place_of(server)
        url = f"http://{place}/qr.svg"
        async with session.get(url, params={"link": f"http://{place}/rehearse#x"}) as answer:
            assert (answer.status, answer.content_type) == (200, "image/svg+xml")
            assert (await answer.text()).startswith("<svg ")
        async with session.get(url, params={"link": "https://evil.example/"}) as answer:
            assert answer.status == 400


async def test_hands_credentials_of_relays_to_who_has_a_seat(tmp_path, session):
    secret = tmp_path / "secret"
    secret.write_text("north wind")
    secret.chmod(0o600)
    options = ("--web", "127.0.0.1:0", "--web-turn", "turn:192.0.2.7?transport=udp")
    options += ("--web-turn-secret-file", str(secret), "--user", "root")
    checked = await stunkit("serve", *options, "--check")
    assert checked.status == 0
    assert 'turn = ["turn:192.0.2.7?transport=udp"]' in checked.stdout
    assert "north wind" not in checked.stdout + checked.stderr
    async with serve("127.0.0.1:0", options=options) as server:
        (line,) = [one for one in server.lines if one.startswith("signalling on ws://")]
        place = line.split("/")[2]
        async with session.get(f"http://{place}/config.json") as answer:
            assert "turn:" not in await answer.text()
        async with calling(place) as (one,):
            joined = await one.join(await make_room(place))
    stun, relay = joined["ice_servers"]
    assert stun["urls"][0].startswith("stun:127.0.0.1:")
    assert relay["urls"] == ["turn:192.0.2.7?transport=udp"]
    assert relay["username"].isdigit()
    assert len(relay["credential"]) == 28  # of SHA-1, in base64
