"""Signalling: how two peers of a call find each other's descriptions, as values and a machine."""
