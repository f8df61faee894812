"""The parts of a NAT's discovery."""
