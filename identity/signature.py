"""Who signs what the machine decides."""

from domain.records import Actor
from domain.vocabulary import ActorKind

BY_MODEL = Actor(kind=ActorKind.SYSTEM, id="identity")
