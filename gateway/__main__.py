"""`python -m gateway`, for where the console script is not installed."""

from gateway.cli import main

if __name__ == "__main__":
    main()
