"""Broken servers: ours, each with one fault, and the cases that find it.

They prove the cases; and whoever writes a client can try it against them.
"""

from __future__ import annotations

from dataclasses import replace

from stunkit.conformance.fault import (
    Fault,
    Reaction,
    Server,
    Wrap,
    adding,
    as_requests,
    classic_with_cookie,
    classic_with_xor,
    deaf,
    elsewhere,
    flags_of,
    listing,
    on_answer,
    on_request,
    quartet_of,
    rebuilt,
    replaced,
    told,
    with_padding,
    with_wrong_crc,
    with_wrong_id,
    without_xor,
)
from stunkit.endpoint import Endpoint
from stunkit.protocol.respond import Received
from stunkit.protocol.site import Site
from stunkit.wire.attributes.address import OtherAddress, ResponseOrigin
from stunkit.wire.message import HEADER_SIZE, Message
from stunkit.wire.registry import COMPREHENSION_OPTIONAL, AttributeType, MessageClass, Method

UNREGISTERED = 0x4000  # required types from here to 0x7FFF have no names
UNREGISTERED_OPTIONAL = 0xD000  # and optional ones from here up


def _drop_unknown(message: Message) -> bytes:
    kept = [p for p in message.attributes if not UNREGISTERED <= p[0] < COMPREHENSION_OPTIONAL]
    return rebuilt(message, kept)


def _require_optional(message: Message) -> bytes:
    return rebuilt(
        message,
        [(n & 0x7FFF if n >= UNREGISTERED_OPTIONAL else n, v) for n, v in message.attributes],
    )


def _ignoring(number: int) -> Wrap:
    return on_request(lambda message: replaced(message, number))


def _xor_alone(message: Message, request: Message | None) -> bytes:
    if request is None or request.is_classic:
        return message.raw
    return replaced(message, AttributeType.MAPPED_ADDRESS)


def _leaving_out(number: int) -> Wrap:
    return on_answer(lambda message, _: replaced(message, number))


def _forget_fingerprint(message: Message) -> bytes:
    return rebuilt(message, message.attributes, int.from_bytes(message.raw[:2], "big"))


def _strange_as_binding(message: Message) -> bytes:
    if not message.is_request or message.method == Method.BINDING:
        return message.raw
    return rebuilt(message, message.attributes, 0x0001)


def _too_long(message: Message, request: Message | None) -> bytes:
    del request
    said = len(message.raw) - HEADER_SIZE + 4
    return message.raw[:2] + said.to_bytes(2, "big") + message.raw[4:]


def _twice(server: Server, site: Site) -> Server:
    del site

    def serve(received: Received) -> Reaction:
        reaction = server(received)
        return reaction._replace(responses=reaction.responses * 2)

    return serve


def _closing(server: Server, site: Site) -> Server:
    del site

    def serve(received: Received) -> Reaction:
        reaction = server(received)
        return reaction._replace(closes=bool(reaction.responses))

    return serve


def _obeying(server: Server, site: Site) -> Server:
    """Send answers to where RESPONSE-ADDRESS says."""
    del site

    def serve(received: Received) -> Reaction:
        there = told(received)
        if there is None:
            return server(received)
        message = Message.decode(received.data)
        data = replaced(message, AttributeType.RESPONSE_ADDRESS)
        reaction = server(received._replace(data=data))
        moved = tuple(one._replace(destination=there) for one in reaction.responses)
        return reaction._replace(responses=moved)

    return serve


def _wrong_change(server: Server, site: Site) -> Server:
    """Confuse "change IP" with "change port"."""
    local = quartet_of(site).local

    def pick(received: Received, honest: Endpoint) -> Endpoint:
        asked = local.index(received.local)
        role = {2: asked ^ 2, 4: asked ^ 1}.get(flags_of(received))
        return honest if role is None else local[role]

    return elsewhere(lambda received, one: pick(received, one.source))(server, site)


def _same_origin(server: Server, site: Site) -> Server:
    """Say where it was asked, wherever the answer leaves from."""
    del site

    def serve(received: Received) -> Reaction:
        reaction = server(received)
        number = AttributeType.RESPONSE_ORIGIN
        value = ResponseOrigin(received.local).encode(b"")
        edited = tuple(
            one._replace(data=replaced(Message.decode(one.data), number, (number, value)))
            for one in reaction.responses
        )
        return reaction._replace(responses=edited)

    return serve


def _same_other(server: Server, site: Site) -> Server:
    """Name its own address with another port as OTHER-ADDRESS."""
    port = quartet_of(site).local[1].port

    def edit(message: Message, request: Message | None) -> bytes:
        if request is None or request.is_classic:
            return message.raw
        number = AttributeType.OTHER_ADDRESS
        value = OtherAddress(replace(quartet_of(site).local[0], port=port)).encode(b"")
        return replaced(message, number, (number, value))

    return on_answer(edit)(server, site)


def _at_other_address(received: Received, site: Site) -> bool:
    return received.local in quartet_of(site).local[2:]


def _has_no_fingerprint(received: Received, site: Site) -> bool:
    del site
    return AttributeType.FINGERPRINT.to_bytes(2, "big") + b"\0\4" != received.data[-8:-4]


_SOFTWARE = (AttributeType.SOFTWARE, b"Ensample 1.2.3!!")

FAULTS = (
    Fault("wrong-id", "answers with another id", ("transaction-id",), on_answer(with_wrong_id)),
    Fault("no-xor", "does not XOR", ("mapped-address",), on_answer(without_xor)),
    Fault("no-mapped", "does not say where it sees us", ("mapped-address",),
          _leaving_out(AttributeType.XOR_MAPPED_ADDRESS)),
    Fault("wrong-source", "answers from another port", ("answer-source",),
          elsewhere(lambda received, _: received.local.with_port(received.local.port ^ 4))),
    Fault("wrong-length", "says a length that is not its answer's", ("response-length",),
          on_answer(_too_long)),
    Fault("dirty-padding", "pads with what it has", ("padding-zero",), on_answer(with_padding)),
    Fault("answers-indications", "answers indications", ("indication", "indication-unknown"),
          on_request(as_requests(MessageClass.INDICATION))),
    Fault("answers-responses", "answers responses", ("response",),
          on_request(as_requests(MessageClass.SUCCESS_RESPONSE, MessageClass.ERROR_RESPONSE))),
    Fault("answers-methods", "takes every method for Binding", ("strange-method",),
          on_request(_strange_as_binding)),
    Fault("ignores-required", "ignores what it does not know",
          ("unknown-required", "classic-unknown"), on_request(_drop_unknown)),
    Fault("refuses-optional", "refuses what it may ignore",
          ("unknown-optional", "padded", "unknown-exact"), on_request(_require_optional)),
    Fault("bare-420", "does not say what it does not know", ("unknown-listed",),
          _leaving_out(AttributeType.UNKNOWN_ATTRIBUTES)),
    Fault("short-420", "says the first thing alone that it does not know", ("unknown-exact",),
          on_answer(listing(lambda value: value[:2]))),
    Fault("padded-420", "repeats the last type, as RFC 3489 had it", ("unknown-padded",),
          on_answer(listing(lambda value: value + value[-2:] * (len(value) // 2 % 2)))),
    Fault("codeless-error", "sends errors without a code", ("error-number",),
          _leaving_out(AttributeType.ERROR_CODE)),
    Fault("reads-on", "acts on what follows MESSAGE-INTEGRITY", ("after-integrity",),
          _ignoring(AttributeType.MESSAGE_INTEGRITY)),
    Fault("wrong-crc", "computes FINGERPRINT wrong", ("fingerprint",), on_answer(with_wrong_crc)),
    Fault("unchecked-crc", "does not check FINGERPRINT", ("wrong-fingerprint",),
          on_request(_forget_fingerprint)),
    Fault("wants-crc", "does not answer without FINGERPRINT", ("fingerprint-optional",),
          deaf(_has_no_fingerprint)),
    Fault("classic-xor", "sends classic clients XOR-MAPPED-ADDRESS", ("classic-mapped",),
          on_answer(classic_with_xor)),
    Fault("classic-cookie", "writes the magic cookie into a classic id", ("classic-id",),
          on_answer(classic_with_cookie)),
    Fault("pretends", "ignores CHANGE-REQUEST and has no other address",
          ("change-refused", "change-nothing"), _ignoring(AttributeType.CHANGE_REQUEST)),
    Fault("ignores-change", "answers CHANGE-REQUEST from where it was asked", ("change-request",),
          _ignoring(AttributeType.CHANGE_REQUEST), needs_quartet=True),
    Fault("confuses-change", "takes one flag for the other",
          ("change-request",), _wrong_change, needs_quartet=True),
    Fault("dead-other", "does not answer at its other address", ("other-answers",),
          deaf(_at_other_address), needs_quartet=True),
    Fault("same-other", "names its own address as the other", ("other-address",), _same_other,
          needs_quartet=True),
    Fault("same-origin", "says where it was asked, and not where it sent from",
          ("changed-origin",), _same_origin, needs_quartet=True),
    Fault("xor-alone", "leaves MAPPED-ADDRESS out though it has two addresses", ("both-mapped",),
          on_answer(_xor_alone), needs_quartet=True),
    Fault("ignores-port", "ignores RESPONSE-PORT", ("response-port", "padding-elsewhere"),
          _ignoring(AttributeType.RESPONSE_PORT)),
    Fault("ignores-padding", "ignores PADDING", ("padding", "padding-elsewhere"),
          _ignoring(AttributeType.PADDING)),
    Fault("obeys-address", "sends answers to where RESPONSE-ADDRESS says", ("response-address",),
          _obeying),
    Fault("amplifies", "sends much more than it gets",
          ("amplification", "padding-amplification"), on_answer(adding(0xFF01, bytes(128)))),
    Fault("answers-twice", "answers twice", ("one-answer",), _twice),
    Fault("tells-version", "says its version", ("software-hidden",), on_answer(adding(*_SOFTWARE))),
    Fault("software-first", "puts SOFTWARE first", ("mapped-first",),
          on_answer(adding(AttributeType.SOFTWARE, b"Ensample", is_first=True))),
    Fault("closes", "ends the connection after an answer", ("stays-open",), _closing,
          is_stream=True),
    Fault("unframed", "takes what it reads at once for one message", ("split", "pipelined"),
          lambda server, _: server, is_stream=True, is_unframed=True),
)  # fmt: skip
