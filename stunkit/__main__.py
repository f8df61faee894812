"""``python -m stunkit``."""

from stunkit.cli.main import main

if __name__ == "__main__":
    main()
