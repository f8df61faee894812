"""A real Prometheus scrapes a server of ours, and answers what the dashboard asks."""

import asyncio
import json
import re
import subprocess
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import sockaddr_of
from tests.integration.command import PATIENCE, ROOT, serve
from tests.integration.loopback import blank, free_port, udp_socket
from tests.integration.monitoring import get

DEPLOY = ROOT / "scripts/deploy"
DASHBOARD = json.loads((DEPLOY / "grafana/stunkit.json").read_text())
QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
EMPTY = {name for name in QUERIES if name.startswith("Partner ")}  # there is none
EMPTY |= {"Signalling: trouble A"}  # nobody is told anything
CONFIGURATION = """
global: {{scrape_interval: 500ms, evaluation_interval: 200ms}}
rule_files: [{rules}]
scrape_configs:
  - job_name: stunkit
    static_configs: [{{targets: ["{target}"]}}]
"""


def run(*command: object, stdin: bytes = b"") -> subprocess.CompletedProcess:
    done = subprocess.run(
        [str(word) for word in command], input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done


@asynccontextmanager
async def shown():
    """Run a server of two workers that shows its figures."""
    place = Endpoint.of("127.0.0.1", free_port("127.0.0.1"))
    nobody = f"redis://127.0.0.1:{free_port('127.0.0.1')}"
    options = ("--workers", "2", "--limit-allow", "none", "--metrics-listen", str(place))
    options += ("--web", "127.0.0.1:0", "--signal-store", nobody)
    async with serve("127.0.0.1:0", options=options) as server:
        yield server, place


@asynccontextmanager
async def prometheus(target: Endpoint, folder: Path):
    """Run Prometheus until it has scraped the target; yield where it answers queries."""
    rules = DEPLOY / "prometheus/stunkit.rules.yml"
    configuration = folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(rules=rules, target=target))
    place = Endpoint.of("127.0.0.1", free_port("127.0.0.1"))
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={place}",
            stdout=log,
            stderr=log,
        )
    try:
        async with asyncio.timeout(PATIENCE):
            while not await is_there(place):
                assert process.returncode is None, (folder / "log").read_text()
                await asyncio.sleep(0.1)
        yield place
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def is_there(place: Endpoint) -> bool:
    try:
        return (await get(place, "/-/ready")).status == 200
    except (OSError, IndexError):
        return False


async def query(place: Endpoint, expression: str) -> list:
    reply = await get(place, f"/api/v1/query?query={quote(expression)}")
    assert reply.status == 200, (expression, reply.body)
    return reply.document["data"]["result"]


async def health_of_rules(place: Endpoint) -> set[str]:
    """Return how Prometheus could evaluate the alerts: "ok", "err", or "unknown" until it has."""
    groups = (await get(place, "/api/v1/rules")).document["data"]["groups"]
    return {rule["health"] for group in groups for rule in group["rules"]}


def filled(expression: str) -> str:
    """Return a query of the dashboard as Grafana would send it."""
    filled_in = expression.replace("$__rate_interval", "5s").replace("$instance", ".*")
    assert "$" not in filled_in
    return filled_in


@pytest.mark.timeout(120)
async def test_answers_every_query_of_the_dashboard():
    with tempfile.TemporaryDirectory() as folder, udp_socket("127.0.0.1") as client:
        async with shown() as (server, place), prometheus(place, Path(folder)) as database:
            client.setblocking(False)  # noqa: FBT003
            async with asyncio.timeout(PATIENCE):
                # More than the limit, until two looks at least have seen it grow.
                busy = 'sum(rate(stunkit_messages_total{disposition="limited"}[5s])) > 0'
                while not await query(database, busy):
                    for number in range(300):
                        client.sendto(blank(number), sockaddr_of(server.endpoints[0][1]))
                    await asyncio.sleep(0.1)
            for _ in range(20):  # a look that a busy machine makes too late leaves a gap
                answers = {
                    name: await query(database, filled(one)) for name, one in QUERIES.items()
                }
                empty = {name for name, answer in answers.items() if not answer}
                if empty == EMPTY:
                    break
                await asyncio.sleep(0.2)
            assert empty == EMPTY
            (ratio,) = answers["Amplification A"]
            alerts = await query(database, "ALERTS")
            instances = (await get(database, "/api/v1/label/instance/values")).document["data"]
            async with asyncio.timeout(PATIENCE):
                while "unknown" in (health := await health_of_rules(database)):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            assert (await server.stop()).status == 0
            is_scraped = filled(QUERIES["Scraped A"])
            async with asyncio.timeout(PATIENCE):
                while (now := await query(database, is_scraped))[0]["value"][1] != "0":
                    assert now
                    await asyncio.sleep(0.1)
    assert 0 < float(ratio["value"][1]) <= 1.6
    assert instances == [str(place)]
    assert health == {"ok"}
    assert not [one for one in alerts if one["metric"]["alertstate"] == "firing"]


async def test_promtool_finds_nothing_wrong_with_the_figures():
    async with shown() as (_, place):
        reply = await get(place, "/metrics")
    done = await asyncio.to_thread(run, "promtool", "check", "metrics", stdin=reply.body.encode())
    assert (done.stdout, done.stderr) == (b"", b"")


def test_alerts_fire_when_they_should_and_not_else():
    rules = DEPLOY / "prometheus/stunkit.rules.yml"
    run("promtool", "check", "rules", rules)
    run("promtool", "test", "rules", rules.with_suffix(".test.yml"))
    names = set(re.findall(r"alert: (\w+)", rules.read_text()))
    tested = re.findall(r"alertname: (\w+)", rules.with_suffix(".test.yml").read_text())
    assert {name for name in tested if tested.count(name) >= 2} == names  # silent once, and not


def test_dashboard_has_no_two_panels_in_one_place():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert place["x"] + place["w"] <= 24
        assert panel["description"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
