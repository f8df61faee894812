"""The command line: one verb a file, thin; ``render`` turns results into text and JSON."""
