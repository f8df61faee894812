import inspect

import pytest

from stunkit.endpoint import Endpoint
from stunkit.protocol.client import Client
from stunkit.protocol.machine import Machine, Outgoing

VERBS = [name for name in vars(Machine) if not name.startswith("_")]
HERE = Endpoint(bytes((192, 0, 2, 1)), 5000)
THERE = Endpoint(bytes((198, 51, 100, 1)), 3478)


def test_has_the_verbs_that_a_driver_calls():
    assert set(VERBS) == {"receive", "unreachable", "tick", "sends", "events", "deadline"}


@pytest.mark.parametrize("verb", VERBS)
def test_client_has_the_verb_with_the_same_parameters(verb: str):
    wanted = inspect.signature(getattr(Machine, verb)).parameters
    assert list(inspect.signature(getattr(Client, verb)).parameters) == list(wanted)


def test_outgoing_is_a_value():
    outgoing = Outgoing(b"data", THERE, HERE)
    assert outgoing == Outgoing(data=b"data", destination=THERE, local=HERE)
    assert outgoing != Outgoing(b"data", HERE, THERE)
    with pytest.raises(AttributeError):
        outgoing.data = b""
