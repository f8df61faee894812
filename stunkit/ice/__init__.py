"""ICE: candidates, their pairs, and an agent, as values and machines that touch no socket."""
