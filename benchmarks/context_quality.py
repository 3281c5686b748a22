"""How right the statements are that rules read out of texts: precision and recall per kind.

The blind part (context/conversations.jsonl) was written and labelled before any rule; the
development part (context/development.jsonl) is what the rules were written against, so that its
figures say only what the rules were meant to do. Labels are per message: see context/README.md.
"""

import argparse
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from domain.context import Extract, Thread
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Actor, Message
from domain.vocabulary import ActorKind, Channel, SystemKind
from journey.context.due import due
from journey.context.moods import ANGRY
from journey.context.rules import read

FOLDER = Path(__file__).parent / "context"
BEGIN = datetime(2026, 3, 2, 10, tzinfo=UTC)
AIMS = {"commitments": (0.85, 0.75), "openQuestion": (0.9, 0.8)}
AUTHORS = {"CUSTOMER": ActorKind.CUSTOMER, "AGENT": ActorKind.HUMAN, "BOT": ActorKind.AI}
SYSTEM = System(name="desk", kind=SystemKind.CHAT, connector="labelled")


@dataclass(slots=True)
class Tally:
    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, found: frozenset[Any], labelled: frozenset[Any]) -> None:
        self.right += len(found & labelled)
        self.wrong += len(found - labelled)
        self.missed += len(labelled - found)

    def figures(self) -> dict[str, Any]:
        said, there = self.right + self.wrong, self.right + self.missed
        return {
            "precision": _share(self.right, said),
            "precision_low_high": wilson(self.right, said),
            "recall": _share(self.right, there),
            "recall_low_high": wilson(self.right, there),
            "labelled": there,
        }


def wilson(right: int, of: int, z: float = 1.96) -> tuple[float, float] | None:
    """The 95 % interval of Wilson (1927) for a share; None of nothing."""
    if not of:
        return None
    share = right / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return round(max(0.0, middle - half), 3), round(min(1.0, middle + half), 3)


def _share(right: int, of: int) -> float | None:
    return round(right / of, 3) if of else None


def thread(said: Mapping[str, Any]) -> Thread:
    """A labelled conversation as the product has conversations."""
    key = SourceKey(SYSTEM.name, Kind.CONVERSATION, said["id"])
    messages = tuple(
        Message(
            key=SourceKey(SYSTEM.name, Kind.MESSAGE, f"{said['id']}/{one['id']}"),
            provenance=Provenance(system=SYSTEM, external_id=one["id"], fetched_at=BEGIN),
            at=BEGIN + timedelta(minutes=2 * i),
            author=Actor(kind=AUTHORS[one["by"]], id=one["by"].lower()),
            body=one["text"],
        )
        for i, one in enumerate(said["messages"])
    )
    return Thread(key=key, channel=Channel.WEB_CHAT, messages=messages)


def found(extract: Extract, names: Mapping[str, str]) -> dict[str, frozenset[Any]]:
    """What was read, in the form of the labels; `names` are the labels' ids of messages."""

    def cited(evidence: Iterable[str]) -> str:
        return [names[one] for one in evidence][-1]

    question = extract.open_question
    angry = extract.frustration is not None and extract.frustration >= ANGRY
    return {
        "commitments": frozenset(cited(one.what.evidence) for one in extract.commitments),
        "openQuestion": frozenset([cited(question.evidence)] if question else []),
        "attempts": frozenset((cited(one.evidence), one.outcome) for one in extract.attempted),
        "sensitivities": frozenset(cited(one.evidence) for one in extract.sensitivities),
        "intentSignals": frozenset(cited(one.evidence) for one in extract.intent_signals),
        "frustrated": frozenset(["angry"] if angry else []),
    }


def labelled(labels: Mapping[str, Any]) -> dict[str, frozenset[Any]]:
    question = labels["openQuestion"]
    return {
        "commitments": frozenset(one["message"] for one in labels["commitments"]),
        "openQuestion": frozenset([question] if question else []),
        "attempts": frozenset((one["message"], one["outcome"]) for one in labels["attempts"]),
        "sensitivities": frozenset(labels["sensitivities"]),
        "intentSignals": frozenset(labels["intentSignals"]),
        "frustrated": frozenset(["angry"] if labels["frustrated"] else []),
    }


def _days(extract: Extract, said: Mapping[str, Any], names: Mapping[str, str]) -> Tally:
    """Of promises found whose label names a day that can be placed: whether it is that day."""
    tally = Tally()
    read_days = {
        (names[one.what.evidence[0]], one.due_at.date())
        for one in extract.commitments
        if one.due_at
    }
    read_messages = {names[one.what.evidence[0]] for one in extract.commitments}
    for label in said["labels"]["commitments"]:
        at = due(label["due"] or "", BEGIN)
        if at is not None and label["message"] in read_messages:
            tally.right += (label["message"], at.at.date()) in read_days
            tally.missed += (label["message"], at.at.date()) not in read_days
    return tally


def judge(path: Path, *, show: bool = False) -> dict[str, Any]:
    """The figures of one file; `show` prints what differs, for the development part alone."""
    tallies: dict[str, Tally] = {}
    days, count = Tally(), 0
    for line in path.read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        one = thread(said)
        names = {m.id: label["id"] for m, label in zip(one.messages, said["messages"], strict=True)}
        extract = read([one], BEGIN + timedelta(minutes=2 * len(one.messages)))
        got, want = found(extract, names), labelled(said["labels"])
        for kind in want:
            tallies.setdefault(kind, Tally()).add(got[kind], want[kind])
            if show and got[kind] != want[kind]:
                print(said["id"], kind, "read", sorted(got[kind]), "labelled", sorted(want[kind]))
        dates = _days(extract, said, names)
        days.right, days.missed = days.right + dates.right, days.missed + dates.missed
        count += 1
    return {
        "conversations": count,
        **{kind: tally.figures() for kind, tally in tallies.items()},
        "dueDay": {"right": _share(days.right, days.right + days.missed)},
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--differences", action="store_true", help="of the development part")
    arguments.add_argument("--development-only", action="store_true")
    chosen = arguments.parse_args()
    development = judge(FOLDER / "development.jsonl", show=chosen.differences)
    if chosen.development_only:
        print(json.dumps({"development": development}))
        return
    blind = judge(FOLDER / "conversations.jsonl")
    kinds = [kind for kind in blind if isinstance(blind[kind], dict) and "recall" in blind[kind]]
    for part, figures in (("blind", blind), ("development", development)):
        for kind in kinds:
            one = figures[kind]
            print(
                f"{part:12} {kind:14} precision {one['precision']} {one['precision_low_high']} "
                f"recall {one['recall']} {one['recall_low_high']} of {one['labelled']}"
            )
    for kind, (precision, recall) in AIMS.items():
        got = blind[kind]
        met = got["precision"] >= precision and got["recall"] >= recall
        print(f"{kind}: aim {precision} / {recall} {'met' if met else 'MISSED'}")
    print(
        json.dumps(
            {
                "precision": {kind: blind[kind]["precision"] for kind in kinds},
                "recall": {kind: blind[kind]["recall"] for kind in kinds},
                "blind": blind,
                "development": development,
            }
        )
    )


if __name__ == "__main__":
    main()
