"""Signalling over WebSocket: rooms that are carried from one browser to another."""
