from datetime import date

import pytest

from domain.records import Address
from domain.vocabulary import Verification
from resolvers.survivorship import ATTRIBUTES, RULES, best, golden


def test_every_attribute_names_a_rule_that_exists():
    assert {one.rule for one in ATTRIBUTES.values()} <= set(RULES)


def test_the_most_complete_name_wins_and_the_others_stand_beside_it(world):
    rows = [
        world.contact("crm", "1", full_name="M. Lopez"),
        world.contact("shop", "2", full_name="Maria Lopez Garcia"),
        world.contact("chat", "3", full_name="maria  lopez garcia"),
        world.contact("desk", "4", full_name="Maria"),
    ]
    name = golden("name", rows)
    assert (name.value, name.rule) == ("Maria Lopez Garcia", "most_complete")
    assert name.provenance.system.name == "shop"
    assert [one.value for one in name.alternatives] == ["M. Lopez", "Maria"]
    assert all(not one.alternatives for one in name.alternatives)


def test_a_name_in_parts_is_a_name(world):
    row = world.contact("crm", "1", given_name="Ada", family_name="Byron")
    assert golden("name", [row]).value == "Ada Byron"


def test_the_crm_wins_an_email_over_a_newer_row_elsewhere(world, fakes):
    rows = [
        world.contact("chat", "1", emails=("new@example.com",), updated_at=fakes.ago(minutes=1)),
        world.contact("crm", "2", emails=("old@example.com", "older@example.com")),
    ]
    email = golden("email", rows)
    assert email.value == "old@example.com"
    assert [one.value for one in email.alternatives] == ["older@example.com", "new@example.com"]


def test_the_most_recent_address_wins_and_a_row_without_a_time_is_the_oldest(world, fakes):
    rows = [
        world.contact("crm", "1", address=Address(city="Leeds"), updated_at=None),
        world.contact(
            "shop",
            "2",
            address=Address(street="1 High St", city="York", postcode="YO1", country="GB"),
            updated_at=fakes.ago(days=400),
        ),
    ]
    assert golden("address", rows).value == "1 High St, YO1 York, GB"


def test_a_verified_row_wins_where_a_rule_says_so(world):
    asserted = world.contact("crm", "1", verification=Verification.ASSERTED)
    verified = world.contact("chat", "2", verification=Verification.VERIFIED)
    rank = RULES["verified_first"]
    assert rank(verified, "x") < rank(asserted, "x")


@pytest.mark.parametrize("order", [1, -1])
def test_ties_are_settled_by_source_key_whatever_the_order_of_rows(world, order):
    rows = [
        world.contact("shop", "2", phones=("+44 1",)),
        world.contact("shop", "1", phones=("+44 2",)),
    ]
    assert golden("phone", rows[::order]).value == "+44 2"


def test_two_ways_of_writing_a_number_are_one_value(world):
    rows = [
        world.contact("crm", "1", phones=("+44 20 1234",)),
        world.contact("shop", "2", phones=("+44-201234",)),
    ]
    assert golden("phone", rows).alternatives == ()


def test_dates_are_written_as_iso(world):
    assert (
        golden("birth_date", [world.contact("crm", "1", birth_date=date(1990, 2, 3))]).value
        == "1990-02-03"
    )


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_an_attribute_nobody_states_is_left_out(world, name):
    assert golden(name, [world.contact("crm", "1")]) is None


def test_every_attribute_says_which_fields_of_a_contact_it_reads(world):
    """Else a source would not be asked for them, and the attribute would be silently empty."""
    said = {
        "full_name": "Ada Byron",
        "given_name": "Ada",
        "family_name": "Byron",
        "emails": ("a@example.com",),
        "phones": ("+44 1",),
        "address": Address(city="York"),
        "birth_date": date(1990, 2, 3),
        "company": "Acme",
        "account_number": "A-1",
    }
    for attribute in ATTRIBUTES.values():
        only = {name: value for name, value in said.items() if name in attribute.fields}
        alone = golden(attribute.name, [world.contact("crm", "1", **only)])
        whole = golden(attribute.name, [world.contact("crm", "1", **said)])
        assert alone == whole is not None


def test_the_best_value_of_each_group_is_that_of_its_golden_record(world):
    """One contact alone takes a shorter way than several."""
    said = [
        {},
        {"given_name": "Ada", "emails": ("a@example.com", "b@example.com")},
        {"full_name": "Ada Byron", "given_name": "A.", "emails": ("c@example.com",)},
        {"full_name": "", "family_name": "Byron", "phones": ("+44 1", "+441")},
    ]
    rows = [world.contact("crm", str(i), **one) for i, one in enumerate(said)]
    groups = [[], *([row] for row in rows), rows, rows[1:3], rows[::-1]]
    for name in ATTRIBUTES:
        golds = [golden(name, group) for group in groups]
        assert best(name, groups) == [gold and gold.value for gold in golds]
