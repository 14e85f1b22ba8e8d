"""`python -m empkit` is the command `empkit`."""

from empkit.cli import main

if __name__ == "__main__":
    main()
