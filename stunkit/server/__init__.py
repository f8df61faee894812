"""The STUN server: sockets, lanes, limits and their arrangement."""
