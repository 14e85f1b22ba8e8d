"""The entry point of `python -m empkit.cli`."""

from empkit.cli import main

if __name__ == "__main__":
    main()
