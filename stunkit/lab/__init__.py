"""The lab: real NATs of the Linux kernel, in network namespaces, to try programs and verdicts in.

    from stunkit.lab import Lab, find_kind

    with Lab(find_kind("port-restricted")) as lab:
        lab.client.run(["stunkit", "whoami", lab.server_addresses()[0]])

Each box does what a Behavior of RFC 4787 says, so what a measurement ought to find is known.
"""

from stunkit.kinds import KINDS, Kind, find_kind
from stunkit.lab.lab import Lab
from stunkit.lab.namespace import Namespace
from stunkit.lab.service import Service, start_server
from stunkit.lab.side import Side

__all__ = ["KINDS", "Kind", "Lab", "Namespace", "Service", "Side", "find_kind", "start_server"]
