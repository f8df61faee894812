from __future__ import annotations

from ipaddress import IPv4Network
from random import Random

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.protocol.site import Site
from stunkit.protocol.template import BLANK_MODERN, Plain, Template, make_templates
from stunkit.protocol.throttle import Limit, Throttle
from stunkit.server.lanes.express import Answered, shorten

NOW = 1_000_000_000_000  # nanoseconds
LOCAL = Endpoint.of("192.0.2.1", 3478)
ALLOWED = IPv4Network("10.1.0.0/16")


class General:
    """The general way: remembers what came, answers with its number."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, bytes, int]] = []

    def __call__(self, data: bytes, packed: bytes, port: int) -> bytes:
        self.seen.append((data, packed, port))
        return b"%d" % len(self.seen)


@pytest.fixture(scope="module")
def template() -> Template:
    return make_templates(Site(), LOCAL, Family.IPV4)[Plain.MODERN]


def test_says_what_the_template_and_the_throttle_say(template: Template):
    random, general, answered = Random(1), General(), Answered()
    limit = Limit(rate=10, burst=10, allow=(ALLOWED,))
    ours, reference = Throttle(limit, b"key"), Throttle(limit, b"key")
    sources = [random.randbytes(4) for _ in range(5)] + [bytes((10, 1, 2, 3))]
    short, left = 0, 0
    for step in range(40):
        now_ns = NOW + step * 20_000_000
        express = shorten(general, template, ours, frozenset({53}), now_ns, answered)
        for _ in range(10):
            request = BLANK_MODERN + random.randbytes(12)
            packed, port = random.choice(sources), random.choice((53, 4000, 65535))
            answer = express(request, packed, port)
            is_allowed = reference.is_allowed(packed)
            if port != 53 and not is_allowed and reference.admit(packed, now_ns):
                short += 1
                number = int.from_bytes(packed, "big") | port << 32
                assert answer == template.fill(request, number)
            else:
                left += 1
                assert answer == b"%d" % left
                assert general.seen[-1] == (request, packed, port)
    assert (answered.count, len(general.seen)) == (short, left)
    assert short > 50
    assert left > 50


@pytest.mark.parametrize(
    "data", [b"", bytes(20), BLANK_MODERN + bytes(11), BLANK_MODERN + bytes(16), b"\0\1" * 10]
)
def test_leaves_what_is_no_blank_request(template: Template, data: bytes):
    general, answered = General(), Answered()
    throttle = Throttle(Limit(), b"key")
    express = shorten(general, template, throttle, frozenset(), NOW, answered)
    assert express(data, bytes(4), 9) == b"1"
    assert answered.count == 0
    assert not any(throttle.cells)
