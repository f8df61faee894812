"""What to do about a relay, by what is wrong with it: one sentence for whoever can mend it."""

from __future__ import annotations

from stunkit.net.relay.report import RelayOutcome as Outcome

REMEDIES = {
    Outcome.WORKS: "",
    Outcome.UNPROVEN: "Try it with a peer in another network.",
    Outcome.PORTS_UNREACHABLE: (
        "Open the relay's own ports in its firewall (UDP 49152 to 65535, unless it is told others),"
        " check which address it gives out, and whether UDP gets out of this network."
    ),
    Outcome.PEER_DENIED: "Nothing, if calls work; try it with a peer in another network.",
    Outcome.NO_DATA: (
        "Open the relay's own ports in its firewall (UDP 49152 to 65535, unless it is told others),"
        " and check which address it gives out."
    ),
    Outcome.PRIVATE_RELAY: "Tell the relay its public address (coturn: external-ip).",
    Outcome.NAME_NOT_FOUND: "Check how the name is written, and its DNS records.",
    Outcome.UNREACHABLE: "Check the route: this network may have none for that address family.",
    Outcome.REFUSED_CONNECTION: "Check that the relay runs and listens on this port and transport.",
    Outcome.TIMED_OUT: (
        "Look for a firewall that drops the packets, here or at the relay; check that it runs."
    ),
    Outcome.CLOSED: "Check that the port is the relay's, and what stands in between.",
    Outcome.NOT_TURN: "Check host and port: they have to be those of a TURN server.",
    Outcome.TLS_FAILED: "Check that the relay speaks TLS on this port, and what stands in between.",
    Outcome.CERTIFICATE_EXPIRED: (
        "Renew the relay's certificate and have the relay load it; check this computer's clock."
    ),
    Outcome.CERTIFICATE_NOT_YET_VALID: (
        "Check this computer's clock; if it is right, wait or replace the certificate."
    ),
    Outcome.CERTIFICATE_WRONG_NAME: (
        "Use a name of the certificate in the URI, or get a certificate for this name."
    ),
    Outcome.CERTIFICATE_SELF_SIGNED: (
        "Browsers refuse it: get a certificate from an authority that they know."
    ),
    Outcome.CERTIFICATE_UNKNOWN_ISSUER: (
        "Have the relay send its whole chain, or get a certificate from an authority that browsers"
        " know. A proxy that opens TLS looks the same."
    ),
    Outcome.CERTIFICATE_UNTRUSTED: "Browsers refuse it: replace the certificate.",
    Outcome.REDIRECTED: "Name the other server in the URI, or mend the redirection.",
    Outcome.BAD_REQUEST: "Check that it is a relay, and look into its log.",
    Outcome.CREDENTIALS_NEEDED: "Give a username and a password.",
    Outcome.WRONG_CREDENTIALS: (
        "Check the username and the password, or the secret that passwords are made of."
    ),
    Outcome.EXPIRED_CREDENTIALS: (
        "Get new credentials from whoever hands them out; check this computer's clock."
    ),
    Outcome.FORBIDDEN: "Ask the relay's operator: it is a rule of the server's.",
    Outcome.UNKNOWN_ATTRIBUTE: "Update the relay.",
    Outcome.ALLOCATION_MISMATCH: "Try again in two minutes, from another port.",
    Outcome.STALE_NONCE: (
        "Check the relay: several servers behind one address may not know each other's nonces."
    ),
    Outcome.FAMILY_UNSUPPORTED: "Give the relay an address of that family, or ask for the other.",
    Outcome.OTHER_CREDENTIALS: "Check that all servers behind this address know the same users.",
    Outcome.TRANSPORT_UNSUPPORTED: "Let the relay use UDP towards peers.",
    Outcome.FAMILY_MISMATCH: "Check the relay's addresses: it gave one of another family.",
    Outcome.QUOTA_REACHED: (
        "Wait until old allocations expire (10 minutes), or raise the relay's quota."
    ),
    Outcome.SERVER_ERROR: "Look into the relay's log.",
    Outcome.NO_CAPACITY: "Give the relay more ports or addresses, or wait.",
    Outcome.REFUSED: "Look into the relay's log.",
    Outcome.INVALID_ANSWER: "Check what answers there: a relay does not say that.",
}
