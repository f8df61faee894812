"""What servers tell of a NAT that are asked over TCP or TLS: where they see us, and no more.

A NAT has rules of its own for TCP, and a proxy may stand in the way that no datagram meets. So what
a connection shows is said, and what happens to UDP stays unknown, with the reason.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from stunkit.nat.report import NOT_ASKED, Evidence, Report
from stunkit.net.whoami import Answer

_UNKNOWN = (
    "udp",
    "nat",
    "mapping",
    "filtering",
    "port_preserved",
    "rewritten",
)
_OPTIONAL = ("hairpin", "lifetime", "fragments")


def report_of(answers: Sequence[Answer], trials: Collection[str] = ()) -> Report | None:
    """Return what one family's answers show; None where no server could be asked.

    ``trials`` are the claims that were asked for besides.
    """
    asked = [answer for answer in answers if answer.server is not None]
    if not asked:
        return None
    answer = next((one for one in asked if one.mapped is not None), asked[0])
    over = answer.transport.upper()
    why = f"asked over {over}, which shows nothing of what happens to UDP"
    evidence = [Evidence(claim, None, why) for claim in _UNKNOWN]
    evidence += [
        Evidence(claim, None, why if claim in trials else NOT_ASKED) for claim in _OPTIONAL
    ]
    if answer.mapped is None:
        evidence.append(Evidence("mapped", None, f"no answer came over {over} either"))
    else:
        seen = f"{answer.server} sees this {over} connection so"
        evidence.append(Evidence("mapped", str(answer.mapped), seen))
    return Report(
        udp=None,
        local=answer.local,
        mapped=answer.mapped,
        nat=None,
        mapping=None,
        filtering=None,
        port_preserved=None,
        hairpin=None,
        rewritten=None,
        evidence=tuple(evidence),
    )
