"""The sentence a support agent reads about two records."""

from datetime import UTC, datetime

import pytest

from domain.customer import Link, LinkEvidence
from domain.ids import Kind, SourceKey
from domain.records import Actor
from domain.vocabulary import ActorKind, LinkMethod, LinkStatus
from resolvers.links import summary


def link(status):
    return Link(
        left=SourceKey("crm", Kind.CONTACT, "1"),
        right=SourceKey("desk", Kind.CONTACT, "2"),
        method=LinkMethod.PROBABILISTIC,
        status=status,
        decided_by=Actor(kind=ActorKind.SYSTEM, id="identity"),
        decided_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


def said(comparison, level, weight, rarity=None):
    return LinkEvidence(
        comparison=comparison, level=level, match_weight=weight, term_frequency_weight=rarity
    )


EVIDENCE = (
    said("birth_date", "different", -6.0),
    said("email", "same", 12.0),
    said("home", "same home and family name", 9.0),
    said("given_name", "same, at one home", 4.0, -3.0),
    said("others_of_the_name", "nobody else", 3.0),
    said("company", "same", 0.4),
)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param(
            LinkStatus.PENDING,
            "Perhaps one person: same e-mail, same home and family name and same first name, at"
            " one home (a common one), but different date of birth.",
            id="waiting",
        ),
        pytest.param(
            LinkStatus.REJECTED,
            "Two people, as was decided: different date of birth, although same e-mail, same home"
            " and family name and same first name, at one home (a common one).",
            id="rejected",
        ),
    ],
)
def test_a_summary_says_what_is_held_and_what_speaks_for_and_against(status, told):
    assert summary(link(status), EVIDENCE) == told


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (said("others_of_the_name", "many others", -2.0), "many others of that name"),
        (said("phone", "same landline", 4.0), "same landline"),
        (said("phone", "one typing error", 4.0), "phone number: one typing error"),
        (said("family_name", "same", 9.0, 2.5), "same family name (a rare one)"),
        (said("shoe_size", "same", 9.0), "same shoe size"),
    ],
)
def test_each_finding_is_said_in_words(one, told):
    assert told in summary(link(LinkStatus.AUTO), [one])


@pytest.mark.parametrize(
    ("status", "one", "told"),
    [
        (LinkStatus.REJECTED, EVIDENCE[1], "Two people, as was decided, although same e-mail."),
        (LinkStatus.AUTO, EVIDENCE[0], "One person, but different date of birth."),
    ],
)
def test_what_only_speaks_against_the_verdict_is_not_given_as_its_reason(status, one, told):
    assert summary(link(status), [one]) == told


@pytest.mark.parametrize("status", list(LinkStatus))
def test_where_nothing_is_known_of_the_pair_only_the_verdict_is_said(status):
    told = summary(link(status), ())
    assert told.endswith(".")
    assert ":" not in told
