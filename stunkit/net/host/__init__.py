"""The host that we run on: its interfaces, addresses and routes."""
