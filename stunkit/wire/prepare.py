"""Preparing usernames, realms and passwords: OpaqueString (RFC 8265 section 4.2) and SASLprep.

RFC 8489 asks for OpaqueString; RFC 5389 asked for SASLprep (RFC 4013), and servers of its time
still do. Text of printable ASCII comes out of either unchanged and needs no library; anything
else needs the extra ``stunkit[auth]`` (precis-i18n, scramp).
"""

from __future__ import annotations

from importlib.util import find_spec

from stunkit.errors import Unencodable
from stunkit.extra import installation


def opaque_string(text: str) -> str:
    """Prepare text with the OpaqueString profile.

    Raises Unencodable for characters that the profile forbids, for empty text, and where the
    library is missing.
    """
    if not text:
        raise Unencodable("forbidden by OpaqueString: it is empty", place="text")
    if _is_plain(text):
        return text
    try:
        from precis_i18n import get_profile  # noqa: PLC0415 (optional, and slow to import)
    except ImportError:
        raise _missing("OpaqueString") from None
    try:
        return str(get_profile("OpaqueString").enforce(text))
    except UnicodeEncodeError as error:
        raise Unencodable(f"forbidden by OpaqueString: {error.reason}", place="text") from None


def saslprep(text: str) -> str:
    """Prepare text with SASLprep, as RFC 5389 has it.

    Raises Unencodable for characters that SASLprep forbids, and where the library is missing.
    """
    if _is_plain(text):
        return text
    try:
        from scramp import ScramException  # noqa: PLC0415 (optional)
        from scramp.utils import saslprep as prepare  # noqa: PLC0415
    except ImportError:
        raise _missing("SASLprep") from None
    try:
        return str(prepare(text))
    except ScramException as error:
        raise Unencodable(f"forbidden by SASLprep: {error}", place="text") from None


def is_complete() -> bool:
    """Whether text beyond printable ASCII can be prepared: the libraries are installed."""
    return all(find_spec(name) is not None for name in ("precis_i18n", "scramp"))


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _missing(profile: str) -> Unencodable:
    reason = f"{profile} of text beyond printable ASCII needs `{installation('auth')}`"
    return Unencodable(reason, place="text")
