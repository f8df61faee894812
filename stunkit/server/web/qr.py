"""A link as a QR code, drawn as SVG; needs the extra ``web``."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urlsplit

LONGEST = 300  # characters of a link: what a phone still reads from a screen
QUIET = 4  # modules around it; ISO/IEC 18004 section 5.3.8


def is_own(link: str, host: str) -> bool:
    """Return whether a link is short and plain, and leads to this very host."""
    if len(link) > LONGEST or not (link.isascii() and link.isprintable()) or " " in link:
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower() != ""


def draw(link: str) -> bytes:
    """Return a code that is dark on light with a quiet zone, whatever it is shown on."""
    import segno  # noqa: PLC0415 (needs an extra)

    out = BytesIO()
    segno.make(link, error="m", micro=False).save(
        out,
        kind="svg",
        omitsize=True,
        border=QUIET,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgclass=None,
        lineclass=None,
    )
    return out.getvalue()
