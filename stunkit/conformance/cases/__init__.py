"""The cases, by subject; ``catalogue`` holds them all."""
