from stunkit.conformance.fault import honest, on_answer, on_request, rebuilt, replaced
from stunkit.endpoint import Endpoint
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Site
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Method

HERE, SERVER = Endpoint.of("10.0.0.2", 40000), Endpoint.of("198.51.100.1", 3478)
REQUEST = Message.request(Method.BINDING, bytes(12))
SITE = Site()
SOFTWARE = AttributeType.SOFTWARE


def received(message=REQUEST):
    return Received(message.raw, HERE, SERVER)


def test_honest_is_our_server():
    (response,) = honest(SITE)(received()).responses
    assert response == respond(received(), SITE)
    assert honest(SITE)(Received(b"junk", HERE, SERVER)).responses == ()


def test_what_stays_the_same_is_not_touched():
    wrong = Message.decode(add_fingerprint(REQUEST).raw[:-1] + b"\0")
    assert rebuilt(wrong, wrong.attributes) == wrong.raw
    assert replaced(wrong, SOFTWARE) == wrong.raw


def test_what_changes_has_a_right_fingerprint():
    message = add_fingerprint(REQUEST.append(SOFTWARE, b"old"))
    changed = Message.decode(replaced(message, SOFTWARE, (SOFTWARE, b"new")))
    assert changed.value(SOFTWARE) == b"new"
    assert check_fingerprint(changed)


def test_edits_reach_requests_and_answers():
    def edit(message, request):
        return rebuilt(message, [*message.attributes, (SOFTWARE, request.raw[:4])])

    server = on_answer(edit)(honest(SITE), SITE)
    (response,) = server(received()).responses
    assert Message.decode(response.data).value(SOFTWARE) == b"\0\1\0\0"
    deaf = on_request(lambda _: b"")(honest(SITE), SITE)
    assert deaf(received()).responses == ()


def test_edits_leave_alone_what_is_no_message():
    server = on_request(lambda message: message.raw)(honest(SITE), SITE)
    assert server(Received(b"junk", HERE, SERVER)).responses == ()
