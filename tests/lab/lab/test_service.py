from __future__ import annotations

import socket

import pytest

from stunkit.errors import LabError
from stunkit.lab import Lab, Service, find_kind, start_server
from stunkit.lab.service import server_command


def test_server_answers_once_it_has_started():
    lab = Lab(find_kind("public"))
    with lab, start_server(lab, alternate=False), lab.client.socket() as client:
        client.settimeout(10)
        request = bytes.fromhex("000100002112a442") + bytes(12)
        client.sendto(request, (lab.server_addresses()[0], 3478))
        assert client.recv(1500)[:2] == b"\x01\x01"


def test_server_is_gone_when_it_is_stopped():
    with Lab(find_kind("public")) as lab:
        with start_server(lab, alternate=False) as server:
            assert server.process in lab.outside.processes
        assert server.process.returncode == 0
        assert server.process not in lab.outside.processes
        with lab.outside.socket(kind=socket.SOCK_DGRAM) as again:
            again.bind((lab.server_addresses()[0], 3478))


def test_command_gives_each_family_its_two_addresses():
    assert server_command(Lab(find_kind("nat66")))[3:] == [
        *("serve", "--listen", "198.51.100.1:3478", "--alternate", "198.51.100.2:3479"),
        *("--listen", "[2001:db8::1]:3478", "--alternate", "[2001:db8::2]:3479"),
    ]


def test_service_that_ends_before_it_is_ready_says_why():
    with Lab(find_kind("public")) as lab, pytest.raises(LabError) as caught:
        Service(lab.outside, ["sh", "-c", "echo no bricks; echo no mortar >&2"], ready="ready")
    assert caught.value.stderr == "no bricks\nno mortar"
    assert lab.outside.processes == []


def test_service_that_writes_much_and_leaves_a_process_behind_holds_nothing_up():
    script = "echo ready; head -c 1000000 /dev/zero | tr '\\0' '\\n'; echo done; sleep 600"
    lab = Lab(find_kind("public"))
    with lab, Service(lab.outside, ["sh", "-c", script], ready="done") as service:
        assert service.process.poll() is None


def test_server_listens_at_both_addresses_and_ports_of_each_family():
    with Lab(find_kind("nat66")) as lab, start_server(lab) as server:
        said = "\n".join(server.lines)
        for address in ("198.51.100.1", "198.51.100.2", "[2001:db8::1]", "[2001:db8::2]"):
            for port in (3478, 3479):
                assert f"udp {address}:{port}\n" in said
