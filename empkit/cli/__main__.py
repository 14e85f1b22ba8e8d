"""Where `python -m empkit.cli` begins."""

from empkit.cli import main

if __name__ == "__main__":
    main()
