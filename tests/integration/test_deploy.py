"""What deploys a server is held against the tools that know what it may say."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from stunkit.server.settings import settings_file
from tests.integration.command import ROOT, stunkit

DEPLOY = ROOT / "scripts/deploy"
UNITS = ("stunkit.service", "stunkit.socket")
MANIFESTS = sorted(
    path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.stem != "kustomization"
)
MOST_EXPOSED = 2.0  # of systemd's 10
TOOLS = Path(sys.executable).parent
YAML_STYLE = (
    "{extends: default, rules: {document-start: disable, line-length: disable,"
    " comments: {min-spaces-from-content: 1}}}"
)


def run(*command: object) -> str:
    """Return what a command prints, which has to end well."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, cwd=DEPLOY
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """Return copies of the units, that start a program which is there."""
    copies = []
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text()
        copies.append(tmp_path / name)
        copies[-1].write_text(text.replace("/opt/stunkit/bin/stunkit", str(TOOLS / "stunkit")))
    return copies


def test_systemd_understands_every_line(units: list[Path]):
    assert run("systemd-analyze", "verify", "--man=no", *units) == ""


def test_service_exposes_little(units: list[Path]):
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", units[0])
    exposure = re.search(r"Overall exposure level for stunkit\.service: ([\d.]+)", said)
    assert exposure is not None
    assert float(exposure[1]) < MOST_EXPOSED


async def test_service_starts_it_with_options_that_exist():
    (command,) = re.findall(
        r"^ExecStart=/opt/stunkit/bin/stunkit (.*)$",
        (DEPLOY / "systemd/stunkit.service").read_text(),
        re.MULTILINE,
    )
    assert command == "serve --config /etc/stunkit/stunkit.toml"
    ended = await stunkit("serve", "--config", DEPLOY / "docker/stunkit.toml", "--check")
    assert ended.status == 0


# What systemd makes of the groups of system calls is not all that the filter has to let through.
@pytest.mark.parametrize("call", ["prctl", "capget", "sendmmsg", "recvmmsg", "sched_getaffinity"])
def test_service_may_call_what_it_calls(call: str):
    allowed = {name for group in ("@default", "@system-service") for name in calls(group)}
    forbidden = {
        name for group in ("@privileged", "@resources", "@obsolete") for name in calls(group)
    }
    assert call in allowed - forbidden


def calls(group: str) -> set[str]:
    """Return the system calls of a group, and of those that it contains."""
    found: set[str] = set()
    for line in run("systemd-analyze", "--no-pager", "syscall-filter", group).splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            found |= calls(name)
        elif name and not name.startswith("#"):
            found.add(name)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the linter is installed on Linux only")
def test_linter_has_nothing_to_say_of_the_dockerfile():
    assert run(TOOLS / "hadolint", DEPLOY / "docker/Dockerfile") == ""


def test_image_is_small_not_root_and_says_how_it_is():
    text = (DEPLOY / "docker/Dockerfile").read_text()
    *_, last = text.split("\nFROM ")
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert re.search(r"^EXPOSE 3478/udp 3478/tcp 8080/tcp$", last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*\\\n +CMD \[\"stunkit\", \"whoami\"", last, re.MULTILINE)
    assert re.search(r"^ENTRYPOINT \[", last, re.MULTILINE)
    assert "RUN" not in last  # what builds stays behind
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert all(re.fullmatch(r"python:3\.\d+-slim-[a-z]+", base) for base in bases)


def test_image_gets_all_that_the_package_is_built_of():
    text = (DEPLOY / "docker/Dockerfile").read_text()
    ignore = (DEPLOY / "docker/Dockerfile.dockerignore").read_text().split()
    copied = set(" ".join(re.findall(r"^COPY ((?:\S+ )+)\S+$", text, re.MULTILINE)).split())
    copied = {one for one in copied if not one.startswith(("--", "/"))}
    assert {f"!{one}" for one in copied} == {one for one in ignore if one.startswith("!")}
    assert all((ROOT / one).exists() for one in copied)
    extras = re.search(r'"\.\[(.*)\]"', text)[1].split(",")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras) <= set(project["optional-dependencies"])


async def test_health_check_is_a_query_that_exists():
    text = (DEPLOY / "docker/Dockerfile").read_text()
    (words,) = re.findall(r"^ +CMD \[(.*)\]$", text, re.MULTILINE)
    _, *arguments = re.findall(r'"([^"]*)"', words)
    ended = await stunkit(*arguments[:-1], "127.0.0.1:1")  # nobody is there
    assert ended.status == 4


def test_compose_file_says_only_what_it_may():
    schema = "vendor.compose-spec"
    run(TOOLS / "check-jsonschema", "--builtin-schema", schema, DEPLOY / "docker/compose.yaml")


def test_compose_file_mounts_what_is_there():
    text = (DEPLOY / "docker/compose.yaml").read_text()
    mounts = re.findall(r"- (\.[\w./-]*):/", text)
    assert mounts
    assert [one for one in mounts if not (DEPLOY / "docker" / one).exists()] == []


def test_prometheus_understands_its_settings(tmp_path: Path):
    # as compose.yaml mounts them
    copy = tmp_path / "prometheus.yml"
    copy.write_text((DEPLOY / "docker/prometheus.yml").read_text())
    (tmp_path / "rules").symlink_to(DEPLOY / "prometheus")
    run("promtool", "check", "config", copy)


def test_kubernetes_knows_every_field():
    run(TOOLS / "kubernetes-validate", "--strict", "--quiet", *MANIFESTS)


def test_kustomization_lists_every_manifest():
    text = (DEPLOY / "kubernetes/kustomization.yaml").read_text()
    assert re.findall(r"^  - (\S+\.yaml)$", text, re.MULTILINE) != []
    assert sorted(re.findall(r"^  - (\S+\.yaml)$", text, re.MULTILINE)) == [
        path.name for path in MANIFESTS
    ]


def test_settings_of_pods_and_containers_are_settings(tmp_path: Path):
    text = (DEPLOY / "kubernetes/settings.yaml").read_text()
    block = text.partition("stunkit.toml: |\n")[2]
    path = tmp_path / "stunkit.toml"
    path.write_text(re.sub("^    ", "", block, flags=re.MULTILINE))
    addresses = {
        settings_file.load(one)["metrics.listen"] for one in (path, DEPLOY / "docker/stunkit.toml")
    }
    (address,) = addresses
    assert f'"{address}"' in (DEPLOY / "docker/prometheus.yml").read_text()
    probes = (DEPLOY / "kubernetes/deployment.yaml").read_text()
    assert set(re.findall(r"\bport: (\d+)", probes)) == {str(address.port)}


def test_yaml_has_one_style():
    run(TOOLS / "yamllint", "--strict", "--config-data", YAML_STYLE, DEPLOY)
