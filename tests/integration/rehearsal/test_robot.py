"""The robot: many rooms, one after the other and at once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

from stunkit.call.rehearsal import judge
from stunkit.net.signalling import Room, make_room
from stunkit.rehearsal import robot as module
from stunkit.rehearsal.media import Sources
from stunkit.rehearsal.rehearsing import Rehearsing, Said
from stunkit.rehearsal.robot import MOST_LINKS, Finished, Opened, Robot, Trouble
from stunkit.rehearsal.wishes import Wishes
from stunkit.signal.link import RoomLink, Website
from tests.integration.server.web.calling import place_of, serving

PATIENCE = 30.0  # seconds
SILENT = Wishes(Sources(has_video=False, has_audio=False))


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (what it looks at has no event)
            await asyncio.sleep(0.02)


class Attending:
    """A robot at work, and its words."""

    def __init__(self, site: Website | None, most: int = 2, wishes: Wishes = SILENT) -> None:
        self.words: list[module.Word] = []
        self.robot = Robot(site, most, wishes, self.words.append)
        self.task = asyncio.ensure_future(self.robot.run())

    def of(self, kind: type) -> list:
        return [word for word in self.words if isinstance(word, kind)]


@asynccontextmanager
async def attending(site: Website | None, **more):
    one = Attending(site, **more)
    try:
        yield one
    finally:
        one.robot.end()
        async with asyncio.timeout(PATIENCE):
            await one.task


async def visit(link: RoomLink, text: str = "hello") -> list[str]:
    """Rehearse with a robot until it has said something back; return what it said."""
    heard: list[str] = []

    def hear(news) -> None:
        if isinstance(news, Said) and not news.is_ours:
            heard.append(news.text)
            visitor.end()

    visitor = Rehearsing(link, replace(SILENT, seconds=PATIENCE), hear)
    visitor.chat(text)
    await visitor.run()
    return heard


async def test_one_visitor_after_the_other_and_at_once():
    async with serving() as server:
        site = Website.parse(place_of(server))
        async with attending(site) as at_work:
            await until(lambda: at_work.of(Opened))
            first = at_work.of(Opened)[0].link
            heard = asyncio.gather(visit(first), visit_next(at_work))
            assert await heard == [["echo: hello"], ["echo: hello"]]
            await until(lambda: len(at_work.of(Finished)) == 2)
            assert len(at_work.of(Opened)) == 3
        finished = at_work.of(Finished)
        assert [judge(one.seen).outcome for one in finished] == ["direct", "direct"]
        assert {one.link for one in finished} == {one.link for one in at_work.of(Opened)[:2]}
        assert not at_work.of(Trouble)


async def visit_next(at_work: Attending) -> list[str]:
    await until(lambda: len(at_work.of(Opened)) == 2)
    return await visit(at_work.of(Opened)[1].link)


async def test_takes_links_and_ends_when_no_more_can_come():
    async with serving() as server:
        site = Website.parse(place_of(server))
        links = [(await make_room(site)).link for _ in range(3)]
        at_work = Attending(None, most=1)
        for link in links:
            at_work.robot.take(link)
        at_work.robot.close()
        for link in links:
            assert await visit(link) == ["echo: hello"]
        async with asyncio.timeout(PATIENCE):
            await at_work.task
        assert [one.link for one in at_work.of(Finished)] == links


async def test_does_not_answer_another_robot_for_ever():
    async with serving() as server:
        link = (await make_room(Website.parse(place_of(server)))).link
        async with attending(None) as at_work:
            at_work.robot.take(link)
            visitor = Rehearsing(link, replace(SILENT, seconds=PATIENCE))
            visiting = asyncio.ensure_future(visitor.run())
            visitor.chat("echo: hello")
            visitor.chat("last")
            await until(lambda: visitor.chat_received)
            visitor.end()
            await visiting
            await until(lambda: at_work.of(Finished))
        assert at_work.of(Finished)[0].seen.figures.chat_sent == 1


async def test_goes_on_after_a_room_that_is_none_and_an_error_of_ours(monkeypatch):
    async with serving() as server:
        site = Website.parse(place_of(server))
        link = (await make_room(site)).link
        async with attending(None, most=1) as at_work:
            at_work.robot.take(link._replace(room="none"))
            await until(lambda: at_work.of(Trouble))
            broken = Sources(video_file="gone", has_audio=False)
            monkeypatch.setattr(at_work.robot, "_wishes", Wishes(broken))
            at_work.robot.take(link)
            visitor = Rehearsing(link, replace(SILENT, seconds=PATIENCE))
            await visitor.run()
            await until(lambda: len(at_work.of(Trouble)) == 2)
            monkeypatch.setattr(Rehearsing, "run", boom)
            at_work.robot.take(link)
            await until(lambda: len(at_work.of(Trouble)) == 3)
    reasons = [one.reason for one in at_work.of(Trouble)]
    assert "there is no such file" in reasons[1]
    assert reasons[2] == "an error of ours: ZeroDivisionError()"


async def boom(self) -> None:
    raise ZeroDivisionError


async def test_tries_again_to_make_a_room(monkeypatch):
    monkeypatch.setattr(module, "LEAST_WAIT", 0.05)
    async with serving() as server:
        site = Website.parse(place_of(server))
    async with attending(site) as at_work:
        at_work.robot._wait = 0.05
        await until(lambda: len(at_work.of(Trouble)) >= 3)
    assert all("refused" in one.reason for one in at_work.of(Trouble))


async def test_makes_no_room_after_room_where_none_can_be_entered(monkeypatch):
    made: list[Website] = []

    async def make(site: Website, **_: object) -> Room:
        made.append(site)
        return Room(RoomLink(site, "room"), 60.0)

    monkeypatch.setattr(module, "make_room", make)
    waits: list[float] = []
    monkeypatch.setattr(Robot, "_rest", lambda robot, _: waits.append(robot._wait))
    site = Website.parse("http://127.0.0.1:1")  # where nobody carries WebSockets
    async with attending(site) as at_work:
        await until(lambda: waits)
        assert len(at_work.of(Trouble)) == len(made) == 1


async def test_waits_longer_each_time_that_nothing_comes_of_a_room(monkeypatch):
    monkeypatch.setattr(module, "MOST_WAIT", 0.04)
    robot = Robot(None, 1, SILENT, lambda _: None)
    robot._wait = 0.01
    rested: list[float] = []
    for _ in range(4):
        robot._rest(lambda: rested.append(robot._wait))
    assert robot._wait == 0.04
    await until(lambda: len(rested) == 4)


async def test_ends_though_a_room_is_just_being_made(monkeypatch):
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def make(site: Website, **_: object) -> Room:
        asked.set()
        await may_answer.wait()
        return Room(RoomLink(site, "room"), 60.0)

    monkeypatch.setattr(module, "make_room", make)
    monkeypatch.setattr(Rehearsing, "run", boom)
    async with attending(Website.parse("http://127.0.0.1:1")) as at_work:
        await asked.wait()
        at_work.robot.end()
        may_answer.set()
        async with asyncio.timeout(PATIENCE):
            await at_work.task
    assert at_work.words == []


async def test_more_links_than_can_wait_are_refused():
    robot_words: list[module.Word] = []
    robot = Robot(None, 1, SILENT, robot_words.append)
    link = RoomLink.parse("http://127.0.0.1:1/rehearse#room")
    for _ in range(MOST_LINKS + 1):
        robot.take(link)
    assert robot_words == [Trouble(link, f"over {MOST_LINKS} links wait already")]
