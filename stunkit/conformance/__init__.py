"""Whether a STUN server does what the RFCs say: cases as values, judged without a socket."""
