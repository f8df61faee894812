import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, NoAnswer, Refused, TransactionError, Unreachable
from stunkit.protocol.client import (
    MAX_ENDED,
    UNDERSTOOD,
    Answered,
    Client,
    Failed,
    Stray,
    StrayKind,
    mapped_endpoint,
)
from stunkit.protocol.login import Signature
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.schedule import Schedule
from stunkit.wire.attributes.address import (
    ChangedAddress,
    MappedAddress,
    ResponseOrigin,
    SourceAddress,
    XorMappedAddress,
)
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.ice import Priority
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method

SERVER = Endpoint(bytes((192, 0, 2, 1)), 3478)
OTHER = Endpoint(bytes((192, 0, 2, 2)), 3478)
LOCAL = Endpoint(bytes((198, 51, 100, 7)), 5000)
OTHER_LOCAL = LOCAL.with_port(5001)
MAPPED = Endpoint(bytes((203, 0, 113, 9)), 6000)
MAPPED_IPV6 = Endpoint(bytes.fromhex("20010db8000000000000000000000009"), 6000)

SENT_AT = [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]  # RFC 8489 section 6.2.1


def request_of(number: int = 1, method: int = Method.BINDING) -> Message:
    return Message.request(method, number.to_bytes(12, "big"))


REQUEST = request_of()
OTHER_REQUEST = request_of(2)


def answer_to(
    request: Message,
    *attributes: Attribute,
    kind: MessageClass = MessageClass.SUCCESS_RESPONSE,
    method: int = Method.BINDING,
) -> Message:
    return Message.build(
        kind, method, request.transaction_id, attributes or [XorMappedAddress(MAPPED)]
    )


def refusal_of(request: Message, *attributes: Attribute) -> Message:
    return Message.build(
        MessageClass.ERROR_RESPONSE, Method.BINDING, request.transaction_id, attributes
    )


ANSWER = answer_to(REQUEST)


def asking(schedule: Schedule | None = None, *, at: float = 0.0, reliable: bool = False) -> Client:
    """A client that has sent REQUEST to SERVER from LOCAL."""
    client = Client(schedule)
    client.request(REQUEST, SERVER, LOCAL, at, reliable=reliable)
    client.sends()
    return client


def outcome(client: Client) -> Answered | Failed:
    [event] = client.events()
    assert isinstance(event, Answered | Failed)
    return event


def error_after(response: Message) -> TransactionError:
    """How a transaction fails that gets this response, in answer to REQUEST."""
    client = asking()
    client.receive(response.raw, SERVER, LOCAL, 0.1)
    failed = outcome(client)
    assert isinstance(failed, Failed)
    assert failed.response == response
    assert client.deadline() is None
    return failed.error


def stray_of(client: Client, data: bytes, source: Endpoint, local: Endpoint) -> StrayKind:
    """What the client says of a datagram that it must not count."""
    client.receive(data, source, local, 1.0)
    [event] = client.events()
    assert isinstance(event, Stray)
    assert (event.source, event.local) == (source, local)
    return event.kind


def run_out(client: Client) -> tuple[list[float], float]:
    """Tick exactly when the client asks for it, until nothing is open; return when it sent again
    and when it gave up."""
    resent = []
    now = 0.0
    while (deadline := client.deadline()) is not None:
        assert deadline > now
        now = deadline
        client.tick(now)
        resent += [now] * len(client.sends())
    return resent, now


def learn(client: Client, rtt: float, now: float, server: Endpoint = SERVER) -> float:
    """Have one transaction answered after ``rtt`` and return the first RTO of the next one."""
    probe, after = request_of(901), request_of(902)
    client.request(probe, server, LOCAL, now)
    client.receive(answer_to(probe).raw, server, LOCAL, now + rtt)
    client.request(after, server, LOCAL, now + rtt)
    deadline = client.deadline()
    client.give_up(after.transaction_id, now + rtt)
    client.sends()
    client.events()
    return deadline - now - rtt


# When to send, and when to give up


def test_has_nothing_to_do_when_nothing_was_asked():
    client = Client()
    client.tick(100.0)
    assert (client.sends(), client.events(), client.deadline()) == ([], [], None)


def test_sends_the_request_as_it_is():
    client = Client()
    client.request(REQUEST, SERVER, LOCAL, 0.0)
    assert client.sends() == [Outgoing(REQUEST.raw, SERVER, LOCAL)]
    assert client.sends() == []
    assert client.deadline() == 0.5


def test_sends_seven_times_and_fails_after_39_5_seconds():
    client = asking()
    assert run_out(client) == (SENT_AT[1:], 39.5)
    failed = outcome(client)
    assert isinstance(failed, Failed)
    assert (failed.request, failed.server, failed.local) == (REQUEST, SERVER, LOCAL)
    assert failed.response is None
    assert isinstance(failed.error, NoAnswer)
    assert (failed.error.sends, failed.error.waited, failed.error.forged_by) == (7, 39.5, "")


def test_each_retransmission_is_the_same_request_by_the_same_path():
    client = asking()
    client.tick(0.5)
    assert client.sends() == [Outgoing(REQUEST.raw, SERVER, LOCAL)]


def test_times_are_counted_from_the_request():
    client = asking(at=1000.0)
    assert client.deadline() == 1000.5
    client.tick(1000.5)
    assert client.deadline() == 1001.5


@pytest.mark.parametrize(
    ("schedule", "resent", "failed_at"),
    [
        (Schedule(rc=1), [], 8.0),
        (Schedule(rc=2), [0.5], 8.5),
        (Schedule(rc=3, rm=4), [0.5, 1.5], 3.5),
        (Schedule(rc=3, rm=4, rto=1.0), [1.0, 3.0], 7.0),
        (Schedule(rm=1), SENT_AT[1:], 32.0),
    ],
)
def test_follows_its_schedule(schedule: Schedule, resent: list[float], failed_at: float):
    client = asking(schedule)
    assert run_out(client) == (resent, failed_at)
    assert outcome(client).error.sends == schedule.rc


@pytest.mark.parametrize("ti", [39.5, 5.0])
def test_sends_once_and_waits_ti_when_the_transport_is_reliable(ti: float):
    client = asking(Schedule(ti=ti), reliable=True)
    assert run_out(client) == ([], ti)
    assert outcome(client).error.sends == 1


def test_does_nothing_when_ticked_early():
    client = asking()
    client.tick(0.499)
    assert (client.sends(), client.events(), client.deadline()) == ([], [], 0.5)


def test_sends_once_and_waits_the_full_interval_when_ticked_late():
    client = asking()
    client.tick(10.0)  # 0.5, 1.5, 3.5 and 7.5 have passed
    assert len(client.sends()) == 1
    assert client.deadline() == 11.0
    client.tick(11.0)
    assert len(client.sends()) == 1
    assert client.deadline() == 13.0


def test_says_how_long_it_waited_when_the_last_tick_is_late():
    client = asking(Schedule(rc=1))
    client.tick(100.0)
    assert outcome(client).error.waited == 100.0


def test_runs_two_transactions_side_by_side():
    client = asking()
    client.request(OTHER_REQUEST, OTHER, OTHER_LOCAL, 0.3)
    client.sends()
    assert client.deadline() == 0.5
    client.tick(0.5)
    assert client.sends() == [Outgoing(REQUEST.raw, SERVER, LOCAL)]
    assert client.deadline() == 0.8
    client.tick(0.8)
    assert client.sends() == [Outgoing(OTHER_REQUEST.raw, OTHER, OTHER_LOCAL)]
    client.receive(answer_to(OTHER_REQUEST).raw, OTHER, OTHER_LOCAL, 0.9)
    assert outcome(client).request == OTHER_REQUEST
    assert client.deadline() == 1.5  # the first one's
    client.receive(ANSWER.raw, SERVER, LOCAL, 1.0)
    assert outcome(client).request == REQUEST
    assert client.deadline() is None


def test_sends_what_is_due_when_another_transaction_ends_in_the_same_tick():
    client = asking(Schedule(ti=0.5), reliable=True)
    client.request(OTHER_REQUEST, SERVER, LOCAL, 0.0)
    client.sends()
    client.tick(0.5)
    assert outcome(client).request == REQUEST
    assert [outgoing.data for outgoing in client.sends()] == [OTHER_REQUEST.raw]


@pytest.mark.parametrize("rc", [0, -1])
def test_refuses_a_schedule_that_sends_nothing(rc: int):
    with pytest.raises(ValueError, match="once at least"):
        Client(Schedule(rc=rc))


def test_refuses_an_id_that_is_in_progress():
    client = asking()
    with pytest.raises(ValueError, match="in progress"):
        client.request(REQUEST, OTHER, LOCAL, 0.1)
    assert client.sends() == []
    client.receive(ANSWER.raw, SERVER, LOCAL, 0.2)
    assert isinstance(outcome(client), Answered)


def test_takes_an_id_again_when_its_transaction_has_ended():
    client = asking()
    client.receive(ANSWER.raw, SERVER, LOCAL, 0.1)
    client.events()
    client.request(REQUEST, OTHER, LOCAL, 1.0)
    client.receive(ANSWER.raw, OTHER, LOCAL, 1.1)
    assert outcome(client).server == OTHER


# What counts as an answer


def test_reports_an_answer_once():
    client = asking()
    client.receive(ANSWER.raw, SERVER, LOCAL, 0.125)
    assert outcome(client) == Answered(REQUEST, ANSWER, SERVER, LOCAL, rtt=0.125, sends=1)
    assert client.events() == []
    assert client.deadline() is None
    client.tick(100.0)
    assert (client.sends(), client.events()) == ([], [])


def test_answer_has_no_round_trip_time_when_the_request_was_sent_again():
    client = asking()
    client.tick(0.5)
    client.tick(1.5)
    client.receive(ANSWER.raw, SERVER, LOCAL, 1.6)
    answered = outcome(client)
    assert isinstance(answered, Answered)
    assert (answered.rtt, answered.sends) == (None, 3)


def test_takes_an_answer_in_the_last_moment():
    client = asking()
    while client.deadline() < 39.5:
        client.tick(client.deadline())
    client.receive(ANSWER.raw, SERVER, LOCAL, 39.5)
    assert isinstance(outcome(client), Answered)


def test_takes_an_answer_with_a_right_fingerprint():
    client = asking()
    client.receive(add_fingerprint(ANSWER).raw, SERVER, LOCAL, 0.1)
    assert isinstance(outcome(client), Answered)


def test_takes_an_answer_without_a_mapped_address_when_the_method_has_none():
    client = Client()
    request = request_of(3, Method.REFRESH)
    client.request(request, SERVER, LOCAL, 0.0)
    answer = Message.build(MessageClass.SUCCESS_RESPONSE, Method.REFRESH, request.transaction_id)
    client.receive(answer.raw, SERVER, LOCAL, 0.1)
    assert isinstance(outcome(client), Answered)


def test_takes_the_answer_of_a_classic_server():
    # It copies our cookie as the first four of its 16 bytes of transaction id.
    answer = answer_to(REQUEST, MappedAddress(MAPPED), SourceAddress(SERVER), ChangedAddress(OTHER))
    client = asking()
    client.receive(answer.raw, SERVER, LOCAL, 0.1)
    answered = outcome(client)
    assert isinstance(answered, Answered)
    assert mapped_endpoint(answered.response) == MAPPED


def test_takes_the_answer_to_a_classic_request():
    request = Message.request(Method.BINDING, bytes(range(16)))
    client = Client()
    client.request(request, SERVER, LOCAL, 0.0)
    client.receive(answer_to(request, MappedAddress(MAPPED)).raw, SERVER, LOCAL, 0.1)
    assert isinstance(outcome(client), Answered)


def test_ignores_attributes_that_need_not_be_understood():
    answer = answer_to(REQUEST, XorMappedAddress(MAPPED), Software("x"), ResponseOrigin(SERVER))
    answer = answer.append(0xFFFF, b"who knows")
    client = asking()
    client.receive(answer.raw, SERVER, LOCAL, 0.1)
    assert isinstance(outcome(client), Answered)


@pytest.mark.parametrize("mapped", [MAPPED, MAPPED_IPV6], ids=str)
def test_mapped_endpoint_is_the_xored_one(mapped: Endpoint):
    answer = answer_to(REQUEST, MappedAddress(OTHER), XorMappedAddress(mapped))
    assert mapped_endpoint(answer) == mapped


def test_mapped_endpoint_is_none_when_the_answer_has_none():
    assert mapped_endpoint(answer_to(REQUEST, Software("x"))) is None


# What ends a transaction without an answer


def test_refused_carries_code_and_reason():
    error = error_after(refusal_of(REQUEST, ErrorCode(400, "No thanks")))
    assert isinstance(error, Refused)
    assert (error.code, error.reason, error.unknown) == (400, "No thanks", ())


def test_refused_carries_the_registered_phrase_when_the_answer_has_none():
    error = error_after(refusal_of(REQUEST, ErrorCode(500)))
    assert isinstance(error, Refused)
    assert (error.code, error.reason) == (500, "Server Error")


def test_refused_carries_the_unknown_types():
    error = error_after(
        refusal_of(REQUEST, ErrorCode(420, "Unknown"), UnknownAttributes((0x0003, 0x0026)))
    )
    assert isinstance(error, Refused)
    assert (error.code, error.unknown) == (420, (0x0003, 0x0026))


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (refusal_of(REQUEST), "without ERROR-CODE"),
        (refusal_of(REQUEST, Software("x")), "without ERROR-CODE"),
        (refusal_of(REQUEST).append(AttributeType.ERROR_CODE, b"\0\0\1\0"), "broken: ERROR-CODE"),
        (
            refusal_of(REQUEST, ErrorCode(420)).append(AttributeType.UNKNOWN_ATTRIBUTES, b"\0"),
            "broken: UNKNOWN-ATTRIBUTES",
        ),
        (refusal_of(REQUEST, ErrorCode(400), Priority(1)), "must be understood: 0x0024"),
    ],
)
def test_error_response_that_says_nothing_is_invalid(response: Message, reason: str):
    error = error_after(response)
    assert isinstance(error, InvalidAnswer)
    assert reason in str(error)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (answer_to(REQUEST, Software("x")), "no mapped address"),
        (
            answer_to(REQUEST, XorMappedAddress(MAPPED), Priority(1), ChangeRequest()).append(
                0x7FFF, b""
            ),
            "must be understood: 0x0024, 0x0003, 0x7FFF",
        ),
        (
            answer_to(REQUEST, Software("")).append(AttributeType.XOR_MAPPED_ADDRESS, b"\0\1abc"),
            "broken: XOR-MAPPED-ADDRESS at byte 28",
        ),
        (
            answer_to(REQUEST, Software("")).append(
                AttributeType.MAPPED_ADDRESS, b"\0\3" + bytes(6)
            ),
            "its family is 3",
        ),
    ],
)
def test_success_that_cannot_be_used_is_invalid(response: Message, reason: str):
    error = error_after(response)
    assert isinstance(error, InvalidAnswer)
    assert reason in str(error)


def test_unreachable_ends_what_was_asked_there_from_there():
    client = Client()
    asked = [(SERVER, LOCAL), (SERVER, LOCAL), (SERVER, OTHER_LOCAL), (OTHER, LOCAL)]
    requests = [request_of(number) for number in range(4)]
    for request, (server, local) in zip(requests, asked, strict=True):
        client.request(request, server, local, 0.0)
    client.unreachable(SERVER, LOCAL, "connection refused", 0.1)
    events = client.events()
    assert [event.request for event in events] == requests[:2]
    assert all(isinstance(event.error, Unreachable) for event in events)
    assert str(events[0].error) == "connection refused"
    client.sends()
    client.tick(0.5)
    assert [(send.destination, send.local) for send in client.sends()] == asked[2:]


@pytest.mark.parametrize(
    ("remote", "local"), [(SERVER.with_port(3479), LOCAL), (SERVER, OTHER_LOCAL), (LOCAL, SERVER)]
)
def test_unreachable_ends_nothing_when_nothing_was_asked_there(remote: Endpoint, local: Endpoint):
    client = asking()
    client.unreachable(remote, local, "no route", 0.1)
    assert client.events() == []
    assert client.deadline() == 0.5


def test_give_up_ends_a_transaction_as_unanswered():
    client = asking()
    client.tick(0.5)
    client.give_up(REQUEST.transaction_id, 0.75)
    error = outcome(client).error
    assert isinstance(error, NoAnswer)
    assert (error.sends, error.waited) == (2, 0.75)
    assert client.deadline() is None


def test_give_up_does_nothing_when_the_transaction_has_ended():
    client = asking()
    client.receive(ANSWER.raw, SERVER, LOCAL, 0.1)
    client.events()
    client.give_up(REQUEST.transaction_id, 0.2)
    client.give_up(bytes(12), 0.2)
    assert client.events() == []
    assert stray_of(client, ANSWER.raw, SERVER, LOCAL) is StrayKind.DUPLICATE


# What answers nothing


@pytest.mark.parametrize(
    ("source", "local", "forged_by"),
    [
        (OTHER, LOCAL, "192.0.2.2:3478"),
        (SERVER.with_port(3479), LOCAL, "192.0.2.1:3479"),
        (OTHER, OTHER_LOCAL, "192.0.2.2:3478"),
        (SERVER, OTHER_LOCAL, ""),  # who was asked, at a socket that did not ask
    ],
)
def test_forged_answer_is_not_used(source: Endpoint, local: Endpoint, forged_by: str):
    client = asking()
    assert stray_of(client, ANSWER.raw, source, local) is StrayKind.FORGED
    client.receive(ANSWER.raw, SERVER, LOCAL, 0.2)
    assert isinstance(outcome(client), Answered)
    client = asking()
    client.receive(ANSWER.raw, source, local, 0.1)
    run_out(client)
    stray, failed = client.events()
    assert isinstance(stray, Stray)
    assert isinstance(failed, Failed)
    assert failed.error.forged_by == forged_by


def test_forged_refusal_ends_nothing():
    client = asking()
    refusal = refusal_of(REQUEST, ErrorCode(500)).raw
    assert stray_of(client, refusal, OTHER, LOCAL) is StrayKind.FORGED
    assert client.deadline() == 0.5


def test_second_answer_is_a_duplicate():
    client = asking()
    client.receive(ANSWER.raw, SERVER, LOCAL, 0.1)
    client.events()
    assert stray_of(client, ANSWER.raw, SERVER, LOCAL) is StrayKind.DUPLICATE


@pytest.mark.parametrize("first", [refusal_of(REQUEST, ErrorCode(500)), refusal_of(REQUEST)])
def test_answer_after_a_bad_one_is_a_duplicate(first: Message):
    client = asking()
    client.receive(first.raw, SERVER, LOCAL, 0.1)
    assert isinstance(outcome(client), Failed)
    assert stray_of(client, ANSWER.raw, SERVER, LOCAL) is StrayKind.DUPLICATE


def test_answer_is_late_when_the_transaction_timed_out():
    client = asking()
    run_out(client)
    client.events()
    assert stray_of(client, ANSWER.raw, SERVER, LOCAL) is StrayKind.LATE


def test_answer_is_late_when_the_transaction_was_given_up():
    client = asking()
    client.give_up(REQUEST.transaction_id, 0.1)
    client.events()
    assert stray_of(client, ANSWER.raw, SERVER, LOCAL) is StrayKind.LATE


def test_answer_is_late_when_the_server_was_unreachable():
    client = asking()
    client.unreachable(SERVER, LOCAL, "no route", 0.1)
    client.events()
    assert stray_of(client, ANSWER.raw, SERVER, LOCAL) is StrayKind.LATE


def test_answer_is_unsolicited_when_nobody_asked():
    client = asking()
    assert stray_of(client, answer_to(OTHER_REQUEST).raw, SERVER, LOCAL) is StrayKind.UNSOLICITED


def test_answer_is_unsolicited_when_its_id_has_four_bytes_more():
    client = asking()
    classic = Message.build(
        MessageClass.SUCCESS_RESPONSE,
        Method.BINDING,
        bytes(4) + REQUEST.transaction_id,
        [MappedAddress(MAPPED)],
    )
    assert stray_of(client, classic.raw, SERVER, LOCAL) is StrayKind.UNSOLICITED


WRONG_FINGERPRINT = bytearray(add_fingerprint(ANSWER).raw)
WRONG_FINGERPRINT[-1] ^= 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="not STUN"),
        pytest.param(ANSWER.raw[:-1], id="truncated"),
        pytest.param(ANSWER.raw[:22] + b"\0\x0c" + ANSWER.raw[24:], id="attribute too long"),
        pytest.param(bytes(WRONG_FINGERPRINT), id="wrong fingerprint"),
        pytest.param(REQUEST.raw, id="our own request"),
        pytest.param(answer_to(REQUEST, kind=MessageClass.INDICATION).raw, id="indication"),
        pytest.param(answer_to(REQUEST, method=Method.ALLOCATE).raw, id="other method"),
    ],
)
def test_what_is_no_answer_ends_nothing(data: bytes):
    client = asking()
    assert stray_of(client, data, SERVER, LOCAL) is StrayKind.INVALID
    assert client.deadline() == 0.5
    client.receive(ANSWER.raw, SERVER, LOCAL, 1.1)
    assert isinstance(outcome(client), Answered)


def test_remembers_a_fixed_number_of_ended_transactions():
    client = Client()
    for number in range(MAX_ENDED + 1):
        client.request(request_of(number), SERVER, LOCAL, 0.0)
        client.give_up(request_of(number).transaction_id, 0.0)
    client.events()
    kinds = [
        stray_of(client, answer_to(request_of(number)).raw, SERVER, LOCAL)
        for number in range(MAX_ENDED + 1)
    ]
    assert kinds == [StrayKind.UNSOLICITED] + [StrayKind.LATE] * MAX_ENDED


# What is learned from round trips (RFC 6298)


def test_learns_a_servers_timeout_from_its_round_trips():
    client = Client(Schedule(rto_min=0))
    assert learn(client, 0.2, 0.0) == pytest.approx(0.6)
    assert learn(client, 0.4, 1.0) == pytest.approx(0.725)
    assert learn(client, 0.2, 2.0) == pytest.approx(0.621875)


def test_learned_timeout_moves_the_whole_schedule():
    client = Client()
    assert learn(client, 0.4, -10.0) == pytest.approx(1.2)
    client.request(REQUEST, SERVER, LOCAL, 0.0)
    client.sends()
    resent, failed_at = run_out(client)
    assert resent == pytest.approx([1.2 * (2**k - 1) for k in range(1, 7)])
    assert failed_at == pytest.approx(1.2 * (63 + 16))


def test_timeout_never_falls_under_500_ms_by_default():
    assert learn(Client(), 0.02, 0.0) == pytest.approx(0.5)


def test_learns_by_address_whatever_the_port():
    client = Client()
    learn(client, 0.4, 0.0)
    client.request(REQUEST, SERVER.with_port(3479), LOCAL, 1.0)
    assert client.deadline() == pytest.approx(2.2)
    client.give_up(REQUEST.transaction_id, 1.0)
    client.request(REQUEST, OTHER, LOCAL, 1.0)
    assert client.deadline() == 1.5


def test_forgets_a_timeout_after_ten_minutes():
    client = Client()
    learn(client, 0.4, 0.0)
    client.request(REQUEST, SERVER, LOCAL, 600.4)
    assert client.deadline() == pytest.approx(601.6)
    client.give_up(REQUEST.transaction_id, 600.4)
    client.request(REQUEST, SERVER, LOCAL, 600.5)
    assert client.deadline() == 601.0


def test_learns_nothing_when_the_request_was_sent_again():
    client = asking()
    client.tick(0.5)
    client.receive(ANSWER.raw, SERVER, LOCAL, 0.9)
    client.request(OTHER_REQUEST, SERVER, LOCAL, 1.0)
    assert client.deadline() == 1.5


def test_learns_nothing_from_a_stream():
    client = asking(reliable=True)
    client.receive(ANSWER.raw, SERVER, LOCAL, 30.0)
    assert outcome(client).rtt == 30.0
    client.request(OTHER_REQUEST, SERVER, LOCAL, 31.0)
    assert client.deadline() == 31.5


@pytest.mark.parametrize(
    "data", [refusal_of(REQUEST, ErrorCode(500)).raw, answer_to(REQUEST, Software("x")).raw]
)
def test_learns_nothing_from_a_bad_answer(data: bytes):
    client = asking()
    client.receive(data, SERVER, LOCAL, 0.4)
    client.request(OTHER_REQUEST, SERVER, LOCAL, 1.0)
    assert client.deadline() == 1.5


def test_learns_nothing_from_a_forged_answer():
    client = asking()
    client.receive(ANSWER.raw, OTHER, LOCAL, 0.4)
    for number, server in enumerate((SERVER, OTHER), start=10):
        client.give_up(REQUEST.transaction_id, 0.4)
        client.request(request_of(number), server, LOCAL, 1.0)
        assert client.deadline() == 1.5


def test_takes_what_it_is_made_to_understand():
    answer = answer_to(REQUEST, XorMappedAddress(MAPPED), Priority(1))
    client = Client(understood=UNDERSTOOD | {AttributeType.PRIORITY})
    client.request(REQUEST, SERVER, LOCAL, 0.0)
    client.receive(answer.raw, SERVER, LOCAL, 0.1)
    assert outcome(client).response == answer


# Signed requests (RFC 8489 sections 9.1.4 and 9.2.5)

SIGNATURE = Signature(b"secret", with_sha1=False, with_sha256=True, is_long_term=False)
SIGNED_ANSWER = SIGNATURE.sign(ANSWER)
UNSIGNED = pytest.mark.parametrize(
    "answer",
    [ANSWER, SIGNATURE._replace(key=b"wrong").sign(ANSWER), refusal_of(REQUEST, ErrorCode(401))],
    ids=["unsigned", "wrongly signed", "refusal"],
)


def asking_signed(*, reliable: bool = False) -> Client:
    client = Client()
    client.request(
        SIGNATURE.sign(REQUEST), SERVER, LOCAL, 0.0, reliable=reliable, signature=SIGNATURE
    )
    client.sends()
    return client


def test_takes_an_answer_that_is_signed():
    client = asking_signed()
    client.receive(SIGNED_ANSWER.raw, SERVER, LOCAL, 0.1)
    assert outcome(client).response == SIGNED_ANSWER


@UNSIGNED
def test_drops_an_answer_that_is_not_signed_as_if_it_had_never_come(answer: Message):
    client = asking_signed()
    assert stray_of(client, answer.raw, SERVER, LOCAL) is StrayKind.UNSIGNED
    client.tick(0.5)
    assert len(client.sends()) == 1  # it goes on asking
    client.receive(SIGNED_ANSWER.raw, SERVER, LOCAL, 0.6)
    assert outcome(client).response == SIGNED_ANSWER


@UNSIGNED
def test_says_so_when_no_answer_was_signed(answer: Message):
    client = asking_signed()
    client.receive(answer.raw, SERVER, LOCAL, 0.1)
    client.events()
    run_out(client)
    failed = outcome(client)
    assert isinstance(failed.error, InvalidAnswer)
    assert "signed" in str(failed.error)
    assert (failed.response, failed.unsigned) == (None, answer)


@UNSIGNED
def test_ends_at_once_when_a_stream_brings_an_answer_that_is_not_signed(answer: Message):
    client = asking_signed(reliable=True)
    client.receive(answer.raw, SERVER, LOCAL, 0.1)
    stray, failed = client.events()
    assert stray.kind is StrayKind.UNSIGNED
    assert isinstance(failed.error, InvalidAnswer)
    assert (failed.response, failed.unsigned) == (None, answer)
    assert client.deadline() is None


def test_an_unsigned_answer_from_elsewhere_violates_nothing():
    client = asking_signed()
    assert stray_of(client, ANSWER.raw, OTHER, LOCAL) is StrayKind.FORGED
    run_out(client)
    assert isinstance(outcome(client).error, NoAnswer)


def test_request_that_is_to_be_sent_no_more_is_still_waited_for():
    client = Client(Schedule(rc=3, rm=4))
    client.request(REQUEST, SERVER, LOCAL, 0.0)
    client.sends()
    client.stop_sending(REQUEST.transaction_id, 0.2)
    assert client.deadline() == 0.2 + 4 * 0.5
    client.stop_sending(REQUEST.transaction_id, 1.0)  # once is enough
    client.stop_sending(OTHER_REQUEST.transaction_id, 1.0)  # nobody knows it
    assert client.deadline() == 0.2 + 4 * 0.5
    client.tick(2.1)
    assert client.sends() == []
    client.receive(answer_to(REQUEST).raw, SERVER, LOCAL, 2.15)
    client.tick(2.2)
    (event,) = client.events()
    assert isinstance(event, Answered)
