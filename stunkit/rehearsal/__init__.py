"""The terminal's end of a rehearsal: a WebRTC peer on aiortc; needs the extra ``rtc``."""
