"""Names, streets and places, as often as names are: few are common, most are rare."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate, product
from random import Random

from nicknames import name_triplets


def _listed(text: str) -> list[str]:
    return text.split()


FREE = ("gmail.com", "gmail.com", "gmail.com", "gmail.com", "outlook.com", "hotmail.com",
        "yahoo.com", "icloud.com", "aol.com", "proton.me")  # fmt: skip
KINDS = ("Street", "Road", "Avenue", "Lane", "Drive", "Court", "Close", "Place", "Way", "Terrace")
_HEADS = _listed("""
    al an ar as bar bel ben ber bir black bo bra bren bro bur cal can car cas chal chi cla cole
    con cor cra cro dal dan dar del den dor dra dun ed el em fair fal far fen fer fin fo fra gal
    gar gil gla gor gra gre hal ham har has hel hen hol hor hu in jar jen kel ken kin kir lam
    lan lar le lin lo lun mal man mar mel mil mon mor nel nor o os par pem per pol por pre quin
    ra red ri ro ros ru sal san sel sha sher sil sta stan stel ster sun sut tal tan ter thor til
    tor tre tur val ver vin wal war wel wes whit wil win wood wy yar
""")
_MIDDLES = ("", "", "den", "der", "ding", "el", "en", "er", "ing", "le", "man", "ring", "ter", "ve")
_TAILS = _listed("""
    berg bridge brook by combe cott dale den don field ford gate ham hurst land ley low man mere
    mont more ney ridge row sen shaw sky son stead ston ton vale ville ward well wick wood worth
""")
_CITY_TAILS = ("ton", "ham", "ford", "bury", "mouth", "field", "port", "chester", "ville", "burg")


class Weighted:
    """Drawn by rank: the first are the most common, by a power law flattened at its head."""

    def __init__(self, words: Sequence[str], *, flat: float, power: float) -> None:
        self._words = words
        self._sums = list(accumulate(1 / (rank + flat) ** power for rank in range(len(words))))

    def draw(self, rng: Random) -> str:
        return rng.choices(self._words, cum_weights=self._sums)[0]


def given_names(rng: Random) -> tuple[Weighted, dict[str, list[str]]]:
    """Full first names, and the short forms of each."""
    shorts: dict[str, set[str]] = defaultdict(set)
    for triplet in name_triplets():
        shorts[triplet.name1.title()].add(triplet.name2.title())
    rare = [head.title() + tail for head, tail in product(_HEADS, ("a", "ika", "io", "eth", "ard"))]
    full = rng.sample(sorted(shorts), len(shorts)) + rng.sample(rare, len(rare))
    return Weighted(full, flat=12, power=1.15), {name: sorted(shorts[name]) for name in shorts}


def family_names(rng: Random) -> Weighted:
    made = {a.title() + b + c for a, b, c in product(_HEADS, _MIDDLES, _TAILS)}
    return Weighted(rng.sample(sorted(made), len(made)), flat=25, power=0.85)


def street_names(rng: Random) -> Weighted:
    made = sorted({head.title() + tail for head, tail in product(_HEADS, _TAILS)})
    return Weighted(rng.sample(made, len(made)), flat=60, power=0.5)


def city_names(rng: Random, count: int = 260) -> list[str]:
    made = sorted({head.title() + tail for head, tail in product(_HEADS, _CITY_TAILS)})
    return rng.sample(made, count)


def companies(rng: Random, count: int) -> list[str]:
    first, second = ("Apex", "North", "Summit", "Quartz", "Ember"), ("Design", "Retail", "Motors")
    middle = sorted({head.title() + tail for head, tail in product(_HEADS, _TAILS)})
    return [f"{rng.choice(first)} {rng.choice(middle)} {rng.choice(second)}" for _ in range(count)]
