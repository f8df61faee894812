"""The home router, asked, and who stands behind it."""
