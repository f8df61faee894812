"""Lanes: ways to carry datagrams to `respond` and its answers back. One meaning, `respond`."""
