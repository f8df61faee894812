import pickle

import pytest

from stunkit.errors import (
    HandshakeFailed,
    InvalidAnswer,
    LabError,
    Malformed,
    NoAnswer,
    NotStun,
    Refused,
    ResolutionError,
    SettingsError,
    SignalError,
    StartError,
    StunkitError,
    TransactionError,
    Unencodable,
    Unreachable,
    Untrusted,
    UsageError,
    WireError,
)

EVERY = [
    (NotStun("too short", place="header"), "header at byte 0: too short"),
    (NotStun("too short", offset=2), "byte 2: too short"),
    (Malformed("no UTF-8", place="REALM", offset=24), "REALM at byte 24: no UTF-8"),
    (Unencodable("too long", place="REALM"), "REALM: too long"),
    (Unencodable("too long"), "too long"),
    (NoAnswer(1, 39.5), "no answer in 39.5 s (asked once)"),
    (NoAnswer(7, 39.54), "no answer in 39.5 s (asked 7 times)"),
    (
        NoAnswer(2, 1.0, "192.0.2.1:3478"),
        "no answer in 1.0 s (asked 2 times); 192.0.2.1:3478 answered, which was not asked",
    ),
    (Refused(401, "Unauthorized"), "refused with 401 Unauthorized"),
    (Refused(401, ""), "refused with 401"),
    (
        Refused(420, "Unknown Attribute", (0x0003, 0x7FFF)),
        "refused with 420 Unknown Attribute 0x0003 0x7FFF",
    ),
    (InvalidAnswer("it holds no address"), "it holds no address"),
    (Untrusted("its certificate expired"), "its certificate expired"),
    (HandshakeFailed("what answers there is not TLS"), "what answers there is not TLS"),
    (Unreachable("Network is unreachable"), "Network is unreachable"),
    (
        ResolutionError("stun.example", "no such name"),
        "cannot resolve stun.example: no such name",
    ),
    (UsageError("a port", "x", "no number"), "'x' is not a port: no number"),
    (UsageError("a port", "x", "no number", "--port"), "--port: 'x' is not a port: no number"),
    (
        SettingsError("a.toml", "limit.rate", "it is too low", 7),
        "a.toml, line 7: limit.rate: it is too low",
    ),
    (SettingsError("a.toml", "", "it is not UTF-8"), "a.toml: it is not UTF-8"),
    (SettingsError("", "listen", "a change needs a restart"), "listen: a change needs a restart"),
    (SignalError("full", "both seats are taken"), "full: both seats are taken"),
    (StartError("port 3478 is taken", "stop the other"), "port 3478 is taken; stop the other"),
    (
        LabError("make a namespace", "ip netns add a", "not permitted\n"),
        "make a namespace: `ip netns add a` failed: not permitted",
    ),
]


@pytest.mark.parametrize(("error", "sentence"), EVERY)
def test_makes_one_sentence(error: StunkitError, sentence: str) -> None:
    assert str(error) == sentence


@pytest.mark.parametrize("error", [error for error, _ in EVERY])
def test_can_be_caught_as_one_of_ours(error: StunkitError) -> None:
    assert isinstance(error, StunkitError)


@pytest.mark.parametrize("error", [error for error, _ in EVERY])
def test_survives_the_way_to_another_process(error: StunkitError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


@pytest.mark.parametrize("kind", [NotStun, Malformed, Unencodable])
def test_says_where_in_the_bytes(kind: type[WireError]) -> None:
    error = kind("broken", place="header", offset=3)
    assert isinstance(error, WireError)
    assert (error.reason, error.place, error.offset) == ("broken", "header", 3)


def test_keeps_the_header_of_a_malformed_message() -> None:
    assert Malformed("broken", header=bytes(20)).header == bytes(20)
    assert Malformed("broken").header == b""


@pytest.mark.parametrize("kind", [NoAnswer, Refused, InvalidAnswer, Unreachable])
def test_groups_what_ends_a_transaction(kind: type[StunkitError]) -> None:
    assert issubclass(kind, TransactionError)


def test_keeps_what_a_program_needs() -> None:
    silence, refusal = NoAnswer(7, 39.5), Refused(420, "Unknown Attribute", (3,))
    assert (silence.sends, silence.waited, silence.forged_by) == (7, 39.5, "")
    assert (refusal.code, refusal.reason, refusal.unknown) == (420, "Unknown Attribute", (3,))
    usage = UsageError("a port", "x", "no number")
    assert (usage.what, usage.text, usage.reason) == ("a port", "x", "no number")
    assert (usage.option, UsageError("a port", "x", "no", "--port").option) == ("", "--port")
    lost = ResolutionError("stun.example", "no such name")
    assert (lost.name, lost.reason) == ("stun.example", "no such name")
    signal = SignalError("full", "both seats are taken")
    assert (signal.code, signal.reason) == ("full", "both seats are taken")
    start = StartError("port 3478 is taken", "stop the other")
    assert (start.what, start.remedy) == ("port 3478 is taken", "stop the other")
    lab = LabError("make", "ip netns add a", "no\n")
    assert (lab.step, lab.command, lab.stderr) == ("make", "ip netns add a", "no\n")
