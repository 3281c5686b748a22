"""How angry a customer is: 0 calm to 1 furious.

Words are weighed by VADER (Hutto and Gilbert, 2014), which knows neither irony nor how often a
matter has come up; rules see to these.
"""

import re
from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Protocol

from journey.context.text import Reading

ANGRY = 0.45
"""From here on somebody is to be handled as angry."""

NEWEST = 6
"""How many messages of the customer are weighed, the newest most."""


class _Sentiment(Protocol):
    def polarity_scores(self, text: str) -> dict[str, float]: ...


def _rule(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(pattern, flags)


_ANGER = _rule(
    r"\b(?:unacceptable|ridiculous|furious|disgrace(?:ful)?|disgust(?:ed|ing)|useless|"
    r"(?:a|what a|this) joke|worst|fed up|sick (?:of|and tired)|had enough|had it with|"
    r"appalling|pathetic|shambles|outrageous|shocking|"
    r"livid|fuming|angry|rubbish|garbage|crap|bullshit|bs\b|wtf|ffs|hell|damn|idiots?|"
    r"incompeten(?:t|ce)|clueless|liars?|lying|lied|scam(?:mers?)?|robbery|rip-?off|theft|"
    r"fraud|insult(?:ing|ed)?|absurd|insane|infuriating|nightmare|farce|fobbed off|"
    r"waste of (?:time|money|space)|wasted|ashamed|terrible|horrible|awful|dreadful|"
    r"abysmal|atrocious|embarrassing|laughable|unbelievable|incredible how|"
    r"at my wits'? end|last straw|speechless|unreal|give up|no excuse|do your job|i(?:'m|"
    r" am) done|wrong with you|had it\b|not waiting any|sick of|cheated|mugged|abandoned|"
    r"stop sending|can't believe|beggars belief|utter(?:ly)?|"
    r"complete (?:and utter )?(?:waste|joke|mess|shambles)|taking the (?:mick|piss)|"
    r"screw(?:ed)?|bloody|pissed|sort (?:it|this) out|beyond (?:a joke|belief)|"
    r"not good enough|how dare|"
    r"kidding(?: me)?|thanks for nothing|joking|are you serious|seriously\?|"
    r"don't you dare|ignored|ignoring|nobody (?:cares|ever|helps|bothers)|no one (?:cares|"
    r"ever|helps|bothers)|never again|demand|lawyer|solicitor|ombudsman|trading standards|"
    r"court|chargeback|stop (?:wasting|lying|sending)|run(?:ning)? out of patience|"
    r"losing my patience|enough is enough)\b"
)
_AGAIN = _rule(
    r"\b(?:(?:the )?(?:third|fourth|fifth|sixth|3rd|4th|5th|6th|second|2nd|umpteenth|"
    r"tenth|hundredth) (?:time|call|e-?mail|chat|message|agent|person|week)|(?:three|four|"
    r"five|six|seven|ten|\d+|several|so many|multiple|countless|many) (?:\w+ )?(?:times|"
    r"calls|e-?mails|agents|people)|(?:yet )?again(?=[,.!]| and again|$)|"
    r"(?:still|already) (?:waiting|no(?:thing|t| one)?|haven't|hasn't|nobody)|"
    r"for (?:\w+ )?(?:weeks|months|hours)|(?:three|four|five|six|two|\d+) (?:weeks|months|"
    r"hours)|every (?:single )?(?:time|week|month|day)|keeps? \w+ing|same (?:story|answer|"
    r"thing|problem)|over and over|on hold|nobody (?:called|rang|replied|came|answered)|"
    r"no one (?:called|rang|replied|came|answered)|"
    r"explain(?:ed)? (?:this|it|everything|myself)|how many times|as i (?:said|wrote|"
    r"told)|i already (?:said|told|explained|sent))\b"
)
_SARCASM = _rule(
    r"\b(?:thanks for nothing|oh (?:great|wonderful|brilliant|fantastic|lovely|joy|"
    r"perfect|sure|good|nice|how)|(?:just|absolutely|simply|how) (?:great|brilliant|"
    r"wonderful|perfect|marvell?ous|fantastic|lovely|what i needed)(?=[.,!?]|$)|wow[,. ]|"
    r"bravo|well done(?: you)?|slow clap|(?:top|great|stellar|amazing|brilliant|excellent|"
    r"outstanding|wonderful|fantastic) (?:service|job|work|stuff|effort)(?=[.,!]|"
    r"$)(?=.*\b(?:not|no|hours?|weeks?|days?|again|never|broken|wrong|lost|still|really|"
    r"another|only)\b)|"
    r"my life is complete|how (?:generous|kind|thoughtful|helpful|convenient|lovely|nice|"
    r"reassuring|original|very)|yeah,? right|sure you (?:will|are|do)|believe it when|"
    r"(?:i'm )?(?:so|really) (?:impressed|thrilled|glad|happy) (?:that|to|with|"
    r"you)(?=.*\b(?:not|no|again|wait|never|broken|wrong|lost|hold|another|still)\b)|"
    r"pigs (?:might |will )?fly|don't hold (?:your|my) breath|won't hold my breath|"
    r"what a (?:surprise|shock|joke|shambles|mess|disgrace|farce|circus|service|treat)|"
    r"surprise,? surprise|who would have thought|classic|typical|congratulations|congrats|"
    r"world[- ]class|five stars|gold star|give (?:yourselves?|them) a medal|"
    r"clearly (?:too much|a priority)|lucky me|must be nice|so helpful|very helpful)\b"
)
_SOOTHED = _rule(
    r"\b(?:thanks?(?: you)?(?: so much| very much| a lot)?|thank you|cheers|appreciate|"
    r"great|perfect|lovely|brilliant|amazing|wonderful|awesome|excellent|super|ta|"
    r"no worries|no problem|fair enough|ok(?:ay)?|fine|good to know|glad|happy)\b"
)
_SHOUT = _rule(r"\b[A-Z]{3,}\b", 0)
_NOT_SHOUTED = frozenset(
    """THE USB PIN SIM API CSV PDF IMEI IBAN VAT SMS APP TV FAQ ETA URL HTTP HTTPS SSO SQL JSON XML
    GPS NHS USA EUR GBP USD ASAP PUK DNS VPN LED HDMI CEO CRM ISA APR ATM BIC SEPA SKU EOD COB LTE
    WIFI MFA OTP POS GDPR""".split()  # noqa: SIM905  # read as a list of words
)


def frustration(readings: Sequence[Reading], *, contacts: int = 1) -> float | None:
    """Of all threads in order of time; `contacts` is how many there were about it. None where the
    customer wrote nothing.
    """
    own = [one for one in readings if one.by_customer and one.plain][-NEWEST:]
    if not own:
        return None
    heats = [heat(one) for one in own]
    faded = (one * 0.85 ** (len(heats) - 1 - i) for i, one in enumerate(heats))
    level = 1 - prod(1 - one for one in faded)
    more = 0.05 * min(max(contacts - 1, 0), 4) if level > 0.2 else 0.0
    return round(min(1.0, level + more), 2)


def heat(reading: Reading) -> float:
    """Of one message, 0 to 1: the words, how loud they are, and whether it has come up before."""
    if "heat" not in reading.found:
        reading.found["heat"] = _heat(reading)
    return reading.found["heat"]


def _heat(reading: Reading) -> float:
    text = reading.plain
    said = " ".join(sentence.said for sentence in reading.sentences)
    angry = min(len(_ANGER.findall(text)), 3)
    sarcastic = bool(_SARCASM.search(text))
    again = min(len(_AGAIN.findall(text)), 3)
    bad = max(0.0, -_sentiment().polarity_scores(said)["compound"])
    level = 0.46 * angry + 0.15 * again + 0.2 * bad + 0.3 * _loud(said) + 0.45 * sarcastic
    soothed = bool(_SOOTHED.search(text)) and not angry and not sarcastic
    return min(1.0, level * 0.5 if soothed else level)


def _loud(said: str) -> float:
    words = [word for word in _SHOUT.findall(said) if word not in _NOT_SHOUTED]
    shouted = len(words) >= 2 and len(words) / max(len(said.split()), 1) > 0.1
    marks = "!!" in said or "?!" in said or "??" in said
    return min(1.0, (0.9 if shouted else 0.4 if words else 0.0) + (0.4 if marks else 0.0))


@cache
def _sentiment() -> _Sentiment:
    """Loaded at first use: the lexicon takes a tenth of a second."""
    from vaderSentiment.vaderSentiment import (  # noqa: PLC0415  # see above
        SentimentIntensityAnalyzer,
    )

    analyser: _Sentiment = SentimentIntensityAnalyzer()
    return analyser
