"""The names of the IANA "STUN Parameters" registries, and what they stand for.

To have a name says nothing about whether stunkit decodes an attribute (``wire.attributes``) or
whether a server acts on it (``protocol.respond``): those are three tables on purpose.
A member is the registered name with ``-`` and spaces as ``_``; ``attribute_name`` gives the
registered spelling back.
"""

from __future__ import annotations

from enum import IntEnum


class MessageClass(IntEnum):
    """The two class bits of the message type (RFC 8489 section 5)."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS_RESPONSE = 2
    ERROR_RESPONSE = 3


class Method(IntEnum):
    """STUN methods."""

    BINDING = 0x001
    SHARED_SECRET = 0x002  # RFC 3489; reserved since RFC 5389
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009
    CONNECT = 0x00A
    CONNECTION_BIND = 0x00B
    CONNECTION_ATTEMPT = 0x00C


class AttributeType(IntEnum):
    """STUN attribute types; below 0x8000 a receiver must comprehend them."""

    MAPPED_ADDRESS = 0x0001
    RESPONSE_ADDRESS = 0x0002  # RFC 3489; reserved since RFC 5389
    CHANGE_REQUEST = 0x0003
    SOURCE_ADDRESS = 0x0004  # RFC 3489
    CHANGED_ADDRESS = 0x0005  # RFC 3489
    USERNAME = 0x0006
    PASSWORD = 0x0007  # RFC 3489
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    REFLECTED_FROM = 0x000B  # RFC 3489
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    BANDWIDTH = 0x0010  # reserved since RFC 5766
    XOR_PEER_ADDRESS = 0x0012
    DATA = 0x0013
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_ADDRESS_FAMILY = 0x0017
    EVEN_PORT = 0x0018
    REQUESTED_TRANSPORT = 0x0019
    DONT_FRAGMENT = 0x001A
    ACCESS_TOKEN = 0x001B
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    PASSWORD_ALGORITHM = 0x001D
    USERHASH = 0x001E
    XOR_MAPPED_ADDRESS = 0x0020
    TIMER_VAL = 0x0021  # reserved since RFC 5766
    RESERVATION_TOKEN = 0x0022
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    PADDING = 0x0026
    RESPONSE_PORT = 0x0027
    CONNECTION_ID = 0x002A
    ADDITIONAL_ADDRESS_FAMILY = 0x8000
    ADDRESS_ERROR_CODE = 0x8001
    PASSWORD_ALGORITHMS = 0x8002
    ALTERNATE_DOMAIN = 0x8003
    ICMP = 0x8004
    SOFTWARE = 0x8022
    ALTERNATE_SERVER = 0x8023
    TRANSACTION_TRANSMIT_COUNTER = 0x8025
    CACHE_TIMEOUT = 0x8027
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A
    RESPONSE_ORIGIN = 0x802B
    OTHER_ADDRESS = 0x802C
    ECN_CHECK_STUN = 0x802D
    THIRD_PARTY_AUTHORIZATION = 0x802E
    MOBILITY_TICKET = 0x8030
    CISCO_STUN_FLOWDATA = 0xC000
    ENF_FLOW_DESCRIPTION = 0xC001
    ENF_NETWORK_STATUS = 0xC002
    GOOG_NETWORK_INFO = 0xC057
    GOOG_LAST_ICE_CHECK_RECEIVED = 0xC058
    GOOG_MISC_INFO = 0xC059
    GOOG_OBSOLETE_1 = 0xC05A
    GOOG_CONNECTION_ID = 0xC05B
    GOOG_DELTA = 0xC05C
    GOOG_DELTA_ACK = 0xC05D
    GOOG_MESSAGE_INTEGRITY_32 = 0xC060
    DTLS_IN_STUN = 0xC070
    DTLS_IN_STUN_ACKNOWLEDGEMENT = 0xC071


class Code(IntEnum):
    """STUN error codes (RFC 8489 section 14.8 and the registry)."""

    TRY_ALTERNATE = 300
    BAD_REQUEST = 400
    UNAUTHORIZED = 401
    FORBIDDEN = 403
    MOBILITY_FORBIDDEN = 405
    UNKNOWN_ATTRIBUTE = 420
    ALLOCATION_MISMATCH = 437
    STALE_NONCE = 438
    ADDRESS_FAMILY_NOT_SUPPORTED = 440
    WRONG_CREDENTIALS = 441
    UNSUPPORTED_TRANSPORT_PROTOCOL = 442
    PEER_ADDRESS_FAMILY_MISMATCH = 443
    CONNECTION_ALREADY_EXISTS = 446
    CONNECTION_TIMEOUT_OR_FAILURE = 447
    ALLOCATION_QUOTA_REACHED = 486
    ROLE_CONFLICT = 487
    SERVER_ERROR = 500
    INSUFFICIENT_CAPACITY = 508


class PasswordAlgorithmNumber(IntEnum):
    """The "STUN Password Algorithms" registry (RFC 8489 section 18.5)."""

    MD5 = 0x0001
    SHA256 = 0x0002


COMPREHENSION_OPTIONAL = 0x8000  # types from here up may be ignored; RFC 8489 section 14

_SPELLED_OTHERWISE = {
    AttributeType.TRANSACTION_TRANSMIT_COUNTER: "TRANSACTION_TRANSMIT_COUNTER",
    AttributeType.ECN_CHECK_STUN: "ECN-CHECK STUN",
}
_METHOD_NAMES = {
    Method.SHARED_SECRET: "SharedSecret",
    Method.CREATE_PERMISSION: "CreatePermission",
    Method.CHANNEL_BIND: "ChannelBind",
    Method.CONNECTION_BIND: "ConnectionBind",
    Method.CONNECTION_ATTEMPT: "ConnectionAttempt",
}
_REASONS = {Code.ADDRESS_FAMILY_NOT_SUPPORTED: "Address Family not Supported"}


def attribute_name(number: int) -> str:
    """Return the registered name of an attribute type, or ``0x....`` where it has none."""
    try:
        member = AttributeType(number)
    except ValueError:
        return f"0x{number:04X}"
    return _SPELLED_OTHERWISE.get(member) or member.name.replace("_", "-")


def method_name(number: int) -> str:
    """Return the registered name of a method (``Binding``), or ``0x...`` where it has none."""
    try:
        member = Method(number)
    except ValueError:
        return f"0x{number:03X}"
    return _METHOD_NAMES.get(member) or member.name.capitalize()


def reason_phrase(code: int) -> str:
    """Return the registered reason phrase of an error code, or an empty string."""
    try:
        member = Code(code)
    except ValueError:
        return ""
    special = _REASONS.get(member)
    return special or member.name.replace("_", " ").title().replace(" Or ", " or ")
