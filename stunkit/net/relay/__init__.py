"""Relays on the network: allocations, probes and what they have found."""
