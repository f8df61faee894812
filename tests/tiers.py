"""Which tiers of tests this machine can run, and what would make it run the others.

The one place that knows: conftest skips by it, and scripts/setup installs what it prints when it
is run, the Debian packages that are missing. So it needs nothing but the standard library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache

# Programs, by tier, and the Debian packages that bring them.
PROGRAMS = {
    "integration": {
        "turnserver": "coturn",
        "turnutils_stunclient": "coturn",
        "prometheus": "prometheus",
        "promtool": "prometheus",
        "stund": "stun-server",
        "stun": "stun-client",
        "systemd-analyze": "systemd",
        "systemd-socket-activate": "systemd",
        "haproxy": "haproxy",
        "redis-server": "redis-server",
        "openssl": "openssl",
        "tshark": "tshark",
    },
    "lab": {
        "ip": "iproute2",
        "miniupnpd": "miniupnpd-nftables",  # the program alone: "miniupnpd" would bring a service
        "nft": "nftables",
        "nsenter": "util-linux",
        "unshare": "util-linux",
        "tcpdump": "tcpdump",
        "tshark": "tshark",
        "turnserver": "coturn",
    },
    "browser": {"chromium": "chromium"},  # and what the lab needs
}
TIERS = tuple(PROGRAMS)  # those that need more than Python; the others can always run
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"  # Debian leaves these to root
NAMESPACE = "add table ip t; add chain ip t c { type nat hook postrouting priority 100; }"


@cache
def obstacle(tier: str) -> str | None:
    """Return why a tier cannot run and what mends it, in one sentence, or None when it can."""
    if tier == "browser" and (reason := obstacle("lab")):
        return reason
    if tier == "lab" and (sys.platform != "linux" or os.geteuid() != 0):
        return "it needs root on Linux; this mends it: sudo scripts/test tests/lab"
    lacking = missing(tier)
    if lacking:
        packages = " ".join(sorted(set(lacking.values())))
        return (
            f"{', '.join(lacking)} not found; this mends it on Debian and Ubuntu:"
            f" sudo apt-get install --no-install-recommends {packages}"
        )
    if tier == "lab":
        probe = subprocess.run(
            ["unshare", "--net", "nft", NAMESPACE],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PATH": search_path()},
        )
        if probe.returncode:
            reason = probe.stderr.partition("\n")[0]
            return (
                f"the kernel refuses a network namespace with a NAT ({reason});"
                " this mends it in a container: start that with --privileged"
            )
    return None


def missing(tier: str) -> dict[str, str]:
    """Return the programs that a tier needs and this machine lacks, with their packages."""
    path = search_path()
    return {
        program: package
        for program, package in PROGRAMS[tier].items()
        if not shutil.which(program, path=path)
    }


def search_path() -> str:
    """Return PATH with the folders of the system's programs, which not every user has on it."""
    return f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"


if __name__ == "__main__":
    packages = {package for tier in TIERS for package in missing(tier).values()}
    sys.stdout.write(" ".join(sorted(packages)))
