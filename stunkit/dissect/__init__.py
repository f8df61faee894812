"""Dissecting: messages as trees of fields, dumps as bytes, packets as transactions."""
