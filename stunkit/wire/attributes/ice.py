"""Attributes of ICE connectivity checks (RFC 8445 section 16.1)."""

from __future__ import annotations

from stunkit.wire.attributes.attribute import Flag, Number
from stunkit.wire.registry import AttributeType


class Priority(Number):
    """PRIORITY: of the candidate that the check would teach the peer (RFC 8445 7.1.1)."""

    __slots__ = ()
    type = AttributeType.PRIORITY


class UseCandidate(Flag):
    """USE-CANDIDATE: the controlling agent picks this pair (RFC 8445 section 7.1.2)."""

    __slots__ = ()
    type = AttributeType.USE_CANDIDATE


class IceControlled(Number):
    """ICE-CONTROLLED: a 64-bit tie-breaker (RFC 8445 section 7.1.3)."""

    __slots__ = ()
    type = AttributeType.ICE_CONTROLLED
    width = size = 8


class IceControlling(Number):
    """ICE-CONTROLLING: a 64-bit tie-breaker (RFC 8445 section 7.1.3)."""

    __slots__ = ()
    type = AttributeType.ICE_CONTROLLING
    width = size = 8
