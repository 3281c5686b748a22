"""Which release this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """As it was installed; "unreleased" where the tree is run without being installed."""
    try:
        return version("knownas")
    except PackageNotFoundError:
        return "unreleased"
