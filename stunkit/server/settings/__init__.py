"""What an operator can choose, and the files that settings name."""
