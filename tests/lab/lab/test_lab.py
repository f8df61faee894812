from __future__ import annotations

import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from stunkit.endpoint import Family
from stunkit.errors import LabError, StartError, UsageError
from stunkit.lab import Lab, command, find_kind, side
from stunkit.lab import lab as module
from tests.lab.world import world


def test_lab_leaves_the_hosts_network_alone():
    def host() -> tuple[str, str, list[Path]]:
        links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True)
        rules = subprocess.run(
            ["nft", "list", "ruleset"], capture_output=True, text=True, check=True
        )
        named = Path("/run/netns")
        return links.stdout, rules.stdout, sorted(named.iterdir()) if named.is_dir() else []

    before = host()
    with Lab(find_kind("carrier").varied(ipv6=True, hairpin=True), find_kind("symmetric"), loss=10):
        assert host() == before
    assert host() == before


def test_lab_leads_nowhere():
    with Lab(find_kind("public")) as lab, lab.client.socket(kind=socket.SOCK_STREAM) as probe:
        probe.settimeout(10)
        with pytest.raises(OSError, match="unreachable"):
            probe.connect(("192.0.2.1", 9))  # the outside has no such route, and says so


def test_two_labs_do_not_know_of_each_other():
    kinds = [find_kind("port-restricted"), find_kind("symmetric")]
    with Lab(kinds[0]) as one, Lab(kinds[1]) as other, world(one) as first, world(other) as second:
        for seen, kind in zip((first, second), kinds, strict=True):
            assert seen.mapping() is kind.behavior().mapping


def test_lab_can_be_opened_again():
    lab = Lab(find_kind("full-cone"))
    for _ in range(2):
        with lab, world(lab) as seen:
            assert seen.filtering() is lab.kinds[0].behavior().filtering


@pytest.mark.parametrize("name", ["port-restricted", "carrier"])
def test_lab_is_built_in_well_under_a_second(name: str):
    # 0.1 s on an idle machine; the best of five is that of a moment without neighbors
    assert min(building_times(name)) < 0.5


def building_times(name: str) -> list[float]:
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        with Lab(find_kind(name).varied(ipv6=True)):
            times.append(time.perf_counter() - begin)
    return times


def test_lab_has_the_families_that_its_clients_have():
    assert Lab(find_kind("symmetric")).families == (Family.IPV4,)
    assert Lab(find_kind("symmetric"), find_kind("nat66")).families == tuple(Family)
    with Lab(find_kind("symmetric")) as lab:
        assert "inet6" not in lab.client.run(["ip", "address", "show", "scope", "global"]).stdout


@pytest.mark.parametrize("loss", [-1, 101])
def test_lab_refuses_a_loss_that_is_no_percentage(loss: int):
    with pytest.raises(UsageError, match="from 0 to 100"):
        Lab(find_kind("public"), loss=loss)


def test_lab_refuses_one_box_with_two_lifetimes():
    kind = find_kind("nat66")
    (box,) = kind.ipv6
    with pytest.raises(UsageError, match="one lifetime"):
        Lab(replace(kind, ipv6=(replace(box, lifetime=30),)))


def test_lab_refuses_what_the_kernel_cannot_be():
    kind = find_kind("port-restricted")
    (box,) = kind.ipv4
    with pytest.raises(UsageError, match="not rewritten"):
        Lab(replace(kind, ipv4=(replace(box, rewrites=True),)))


def test_lab_says_what_is_missing_before_it_makes_anything(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "SYSTEM_PATH", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StartError, match="install the package"):
        Lab(find_kind("public")).open()


def test_lab_leaves_nothing_when_a_step_fails(monkeypatch: pytest.MonkeyPatch):
    made = []

    def make_side(*args: object) -> side.Side:
        made.append(original(*args))
        return made[-1]

    original = side.make_side
    monkeypatch.setattr(module, "make_side", make_side)
    monkeypatch.setattr(side, "ruleset", lambda *_, **__: "this is no rule")
    with pytest.raises(LabError) as caught:
        Lab(find_kind("port-restricted")).open()
    assert caught.value.step == "set up router 0.0"
    assert "syntax error" in caught.value.stderr
    assert [space.descriptor for space in (made[0].client, *made[0].routers)] == [-1, -1]
