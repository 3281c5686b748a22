from domain.customer import CanonicalIdentifier
from domain.records import Handle
from domain.vocabulary import IdentifierKind, Verification
from resolvers.identifiers import identifiers, shared_among, written


def all_written(world, *rows):
    return [one for row in rows for one in written(world.identity, row)]


def test_identifiers_are_grouped_by_canonical_form_and_shown_as_the_first_source_writes_them(world):
    rows = [
        world.contact("chat", "2", emails=("Ann@Example.com",)),
        world.contact("crm", "1", emails=("ann+shop@example.com",)),
    ]
    (one,) = identifiers(all_written(world, *rows), {})
    assert one.value == "ann+shop@example.com"
    assert [value.external_id for value in one.provenance] == ["2", "1"]


def test_the_strongest_verification_of_a_group_counts(world):
    rows = [
        world.contact("crm", "1", phones=("07911 123456",)),
        world.contact(
            "chat", "2", phones=("+44 7911 123456",), verification=Verification.AUTHENTICATED
        ),
    ]
    (one,) = identifiers(all_written(world, *rows), {})
    assert one.verification is Verification.AUTHENTICATED


def test_handles_carry_their_platform_and_account_numbers_have_none(world):
    row = world.contact("crm", "1", handles=(Handle("twitter", "Ann"),), account_number="A-1")
    found = {one.kind: one for one in identifiers(all_written(world, row), {})}
    assert found[IdentifierKind.HANDLE].platform == "twitter"
    assert found[IdentifierKind.HANDLE].value == "Ann"
    assert found[IdentifierKind.ACCOUNT_NUMBER].platform is None


def test_one_text_twice_in_a_row_is_one_provenance(world):
    row = world.contact("crm", "1", emails=("a@example.com", "A@example.com"))
    (one,) = identifiers(all_written(world, row), {})
    assert len(one.provenance) == 1


def test_placeholders_are_no_identifiers(world):
    assert all_written(world, world.contact("crm", "1", emails=("nobody@nowhere.test",))) == []


async def test_shared_identifiers_are_asked_for_once_for_everybody(world):
    world.identity.shared_values = {"info@example.com"}
    groups = [
        all_written(world, world.contact("crm", str(i), emails=("info@example.com",)))
        for i in range(3)
    ]
    shared = await shared_among(world.identity, groups)
    assert shared == {CanonicalIdentifier(IdentifierKind.EMAIL, "info@example.com"): True}
    assert world.identity.calls["shared"] == 1
    assert identifiers(groups[0], shared)[0].shared


async def test_nobody_asks_about_no_identifiers(world):
    assert await shared_among(world.identity, [[], []]) == {}
    assert world.identity.calls["shared"] == 0
