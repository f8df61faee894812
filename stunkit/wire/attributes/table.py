"""ATTRIBUTES: the class of every attribute type that can be decoded, for display and tools."""

from __future__ import annotations

from stunkit.wire.attributes import address, behavior, digest, error, ice, password, text, turn
from stunkit.wire.attributes.attribute import Attribute

ATTRIBUTES: dict[int, type[Attribute]] = {
    int(kind.type): kind
    for kind in (
        address.MappedAddress,
        address.ResponseAddress,
        behavior.ChangeRequest,
        address.SourceAddress,
        address.ChangedAddress,
        text.Username,
        text.Password,
        digest.MessageIntegrity,
        error.ErrorCode,
        error.UnknownAttributes,
        address.ReflectedFrom,
        turn.ChannelNumber,
        turn.Lifetime,
        address.XorPeerAddress,
        turn.Data,
        text.Realm,
        text.Nonce,
        address.XorRelayedAddress,
        turn.RequestedAddressFamily,
        turn.EvenPort,
        turn.RequestedTransport,
        turn.DontFragment,
        digest.MessageIntegritySha256,
        password.PasswordAlgorithm,
        digest.Userhash,
        address.XorMappedAddress,
        turn.ReservationToken,
        ice.Priority,
        ice.UseCandidate,
        behavior.Padding,
        behavior.ResponsePort,
        turn.AdditionalAddressFamily,
        turn.AddressErrorCode,
        password.PasswordAlgorithms,
        text.AlternateDomain,
        turn.Icmp,
        text.Software,
        address.AlternateServer,
        behavior.CacheTimeout,
        digest.Fingerprint,
        ice.IceControlled,
        ice.IceControlling,
        address.ResponseOrigin,
        address.OtherAddress,
    )
}


def decode_attribute(number: int, value: bytes, transaction_id: bytes) -> Attribute | None:
    """Return the typed attribute, or None for a type that has no class here.

    Raises Malformed, its offset counted within the value.
    """
    kind = ATTRIBUTES.get(number)
    return kind.decode(value, transaction_id) if kind else None
