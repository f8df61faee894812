"""What a server counts, and how it is shown."""
