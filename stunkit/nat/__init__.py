"""Finding out what a NAT does (RFC 4787, RFC 5780): pure machines, verdicts with evidence."""
