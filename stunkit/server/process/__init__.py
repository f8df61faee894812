"""Processes: workers, privilege, the service manager."""
