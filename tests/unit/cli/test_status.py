import pytest

from stunkit import errors
from stunkit.cli.status import ExitStatus, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UsageError("a server", "x", "it is none"), 2),
        (errors.SettingsError("a.toml", "lane", "it is no lane"), 3),
        (errors.StartError("cannot listen", "choose another port"), 3),
        (errors.LabError("make a namespace", "ip netns add x", "no"), 3),
        (errors.NoAnswer(7, 39.5), 4),
        (errors.Unreachable("no route to host"), 4),
        (errors.InvalidAnswer("no mapped address"), 4),
        (errors.ResolutionError("stun.example.org", "no address"), 4),
        (errors.Refused(420, "Unknown Attribute"), 5),
        (errors.Unencodable("too long"), 1),
    ],
)
def test_tells_what_a_script_wants_to_know_of_an_error(error, status):
    assert status_of(error) == status


def test_is_the_contracts():
    assert {status.name: status.value for status in ExitStatus} == {
        "FINE": 0,
        "BUG": 1,
        "USAGE": 2,
        "NOT_STARTED": 3,
        "NO_ANSWER": 4,
        "REFUSED": 5,
        "INCONCLUSIVE": 6,
        "RELAY_ONLY": 7,
        "BLOCKED": 8,
        "INTERRUPTED": 130,
    }
