"""The lowest floor that touches the world: sockets, the clock, randomness, names."""
