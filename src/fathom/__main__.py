"""`python -m fathom` is the command `fathom`, also where its folder is not on the path."""

from fathom.cli.main import run

if __name__ == "__main__":
    run()
