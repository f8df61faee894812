"""A load generator for STUN servers: how fast, how reliably and how soon one answers."""
