"""Calls: whether two ends will connect, foretold from the facts of both."""
