"""Bytes <-> values. Nothing here knows the time, the network or what a message is for."""
