"""Datagrams and streams, with and without TLS."""
