"""A STUN server that you run yourself, and a toolkit that tells what your NAT does."""

__version__ = "0.1.0"
