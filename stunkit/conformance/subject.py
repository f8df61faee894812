"""The server as one case meets it: over one transport, from sockets of its own.

What was learned of it before, in the ``introduction``, decides which cases apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from stunkit.conformance.conversation import Ask, Heard, Procedure, error_code
from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.wire.attributes.address import ChangedAddress, OtherAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.message import Message
from stunkit.wire.registry import Code, MessageClass, Method
from stunkit.wire.uri import Transport

INTRODUCTIONS = 7  # plain questions before a server is taken to be silent; Rc of RFC 8489 6.2.1


class Raw(Attribute):
    """An attribute of any type and any value, true or not."""

    __slots__ = ("_value", "type")

    def __init__(self, number: int, value: bytes = b"") -> None:
        self.type = number  # type: ignore[misc]
        self._value = value

    def encode(self, transaction_id: bytes) -> bytes:
        """Return the value as it is."""
        del transaction_id
        return self._value


class Handshake(NamedTuple):
    """How it went to connect: ``reason`` says why there is no connection, None if there is one.

    ``is_refused``: the other end said so; otherwise nothing was heard. Over TLS ``is_untrusted``
    says that the certificate was at fault, ``version`` and ``alpn`` what was agreed upon.
    """

    reason: str | None = None
    is_refused: bool = False
    is_untrusted: bool = False
    version: str | None = None
    alpn: str | None = None


class Credential(NamedTuple):
    """A username and a password to log in with."""

    username: str
    password: str
    is_short_term: bool = False


class Subject(NamedTuple):
    """The server, the sockets of ours that a case has, and what is known so far.

    ``plain`` is the answer to a plain question (None: there was none). ``make_id`` draws the 12
    bytes of a transaction id.
    """

    server: Endpoint
    transport: Transport
    locals: tuple[Endpoint, ...]
    make_id: Callable[[], bytes]
    plain: Message | None = None
    handshake: Handshake = Handshake()
    credential: Credential | None = None

    @property
    def is_stream(self) -> bool:
        """Whether it is asked over TCP or TLS."""
        return self.transport is not Transport.UDP

    @property
    def is_local(self) -> bool:
        """Whether nothing can stand between, so that it has to see us where we are."""
        packed = self.server.packed
        is_loopback = packed[0] == 127 if len(packed) == 4 else packed == bytes(15) + b"\1"
        return is_loopback or any(local.packed == packed for local in self.locals)

    @property
    def is_closed(self) -> bool:
        """Whether it answers only those who log in."""
        plain = self.plain
        if plain is None or plain.message_class is not MessageClass.ERROR_RESPONSE:
            return False
        return error_code(plain) in (Code.UNAUTHORIZED, Code.BAD_REQUEST)

    @property
    def other(self) -> Endpoint | None:
        """What its OTHER-ADDRESS names, or CHANGED-ADDRESS, if that can be read."""
        try:
            return None if self.plain is None else other_of(self.plain)
        except Malformed:
            return None

    def request(self, *attributes: Attribute) -> Message:
        """Return a Binding request with an id of its own."""
        return self.message(MessageClass.REQUEST, Method.BINDING, attributes)

    def classic(self, *attributes: Attribute) -> Message:
        """Return a Binding request of RFC 3489, with an id of 16 bytes."""
        identity = b"\xc1\xa5\x51\xc0" + self.make_id()  # no magic cookie
        return Message.request(Method.BINDING, identity, attributes)

    def message(
        self, message_class: MessageClass, method: int, attributes: Iterable[Attribute] = ()
    ) -> Message:
        """Return any message with an id of its own."""
        return Message.build(message_class, method, self.make_id(), attributes)


def other_of(message: Message) -> Endpoint | None:
    """Return what OTHER-ADDRESS names, or CHANGED-ADDRESS of RFC 3489. Raises Malformed."""
    attribute = message.get(OtherAddress) or message.get(ChangedAddress)
    return None if attribute is None else attribute.endpoint


def acquainted(subject: Subject, heard: Heard) -> Subject:
    """Return the subject with what its introduction showed."""
    answers = heard.answers()
    plain = answers[0][1] if answers else None
    handshake = subject.handshake
    if not heard.arrivals and handshake.reason is None:
        times = f"{heard.tries} plain requests were not answered"
        handshake = handshake._replace(reason=heard.closed or times)
    return subject._replace(plain=plain, handshake=handshake)


def introduction(subject: Subject) -> Procedure[Heard]:
    """Ask plainly, as a client does, and return what came of it."""
    request = subject.request().raw
    heard = Heard(request)
    for number in range(1 if subject.is_stream else INTRODUCTIONS):  # a stream loses nothing
        heard = yield Ask(request, is_repeated=False, takes_any=True)
        if heard.arrivals or heard.closed is not None:
            break
        heard = heard._replace(tries=number + 1)
    return heard
