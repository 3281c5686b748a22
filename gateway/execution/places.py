"""Places in an answer while it is built: where a value goes, and what an error there makes null."""

from typing import Any

from graphql import GraphQLError


class Place:
    """Where one value goes: `container[key]`, below another place. The root has no parent.

    Places are made where something is told of them; of each there is one, however it was come by.
    """

    __slots__ = ("_below", "container", "is_null", "key", "nullable", "parent")

    def __init__(self, parent: "Place | None", key: str | int, container: Any, nullable: bool):
        self.parent = parent
        self.key = key
        self.container = container
        self.nullable = nullable
        self.is_null = False
        """Made null by an error; nothing below it is told or resolved any more."""
        self._below: dict[str | int, Place] = {}

    def below(self, key: str | int, container: Any, nullable: bool) -> "Place":
        found = self._below.get(key)
        if found is None:
            found = self._below[key] = Place(self, key, container, nullable)
        return found

    def as_list(self) -> list[str | int]:
        """The path of an error here."""
        path: list[str | int] = []
        place: Place | None = self
        while place is not None and place.parent is not None:
            path.append(place.key)
            place = place.parent
        return path[::-1]

    @property
    def is_gone(self) -> bool:
        """Whether this place, or one above it, has been made null."""
        place: Place | None = self
        while place is not None:
            if place.is_null:
                return True
            place = place.parent
        return False


class Answer:
    """The data of an answer, and the errors that took something from it."""

    __slots__ = ("_root", "errors", "top")

    def __init__(self) -> None:
        self.top: dict[str, Any] = {"data": None}
        self.errors: list[GraphQLError] = []
        self._root: Place | None = None

    @property
    def root(self) -> Place:
        """Asked for by errors and those who look for a path; most answers have neither."""
        if self._root is None:
            self._root = Place(None, "data", self.top, nullable=True)
        return self._root

    def lose(self, place: Place, error: GraphQLError) -> None:
        """Make the place null, or the nearest above it that may be, and tell why. What is gone
        already is not told a second time.
        """
        if place.is_gone:
            return
        while not place.nullable and place.parent is not None:
            place = place.parent
        place.is_null = True
        place.container[place.key] = None
        self.errors.append(error)
