"""What a customer lets on besides: that they mean to leave or to buy, and circumstances in which
care is due.
"""

import re
from collections.abc import Iterator, Sequence

from domain.context import Statement
from journey.context.statements import quote
from journey.context.text import Reading


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_ACCOUNT = (
    r"(?:contract|account|subscription|service|plan|policy|membership|line|tariff|"
    r"mortgage|insurance|broadband|licen[sc]es?|everything)"
)
_LEAVING = _rule(
    r"\b(?:(?:cancel(?:l?ing)?|clos(?:e|ing)|terminat(?:e|ing)|end(?:ing)?|leav(?:e|ing)|"
    r"quit(?:ting)?|get (?:me )?out of|not (?:renew|renewing)|won't (?:be )?renew(?:ing)?|"
    r"discontinu(?:e|ing)|stop) (?!her\b|his\b|their\b)(?:\w+ ){0,3}?" + _ACCOUNT + r"|"
    r"(?:switch(?:ing)?|mov(?:e|ing)|go(?:ing)?|chang(?:e|ing)|transfer(?:ring)?|"
    r"migrat(?:e|ing)) (?:\w+ ){0,4}?(?:to|over to|with) (?:a(?:nother)?|your|the|some|"
    r"one of your|a different) ?(?:\w+ )?(?:provider|competitors?|bank|supplier|company|"
    r"competition|vendor|network|carrier|airline|operator|rival|tool|insurer|platform)|"
    r"(?:take|taking) (?:my|our) (?:business|money|custom) elsewhere|(?:go|going|"
    r"shop(?:ping)?|look(?:ing)?|buy(?:ing)?|book(?:ing)?) elsewhere|"
    r"never (?:(?:\w+ ){0,2}(?:order|buy|shop|book|fly|use|stay|bank|come|deal|"
    r"set foot)\w* (?:\w+ ){0,4}?(?:again|you|here)|again)(?=\W|$)|(?:worst|"
    r"last) (?:\w+ ){0,4}never again|"
    r"last (?:time|order|purchase) (?:i|we|with|you)|(?:leaving|"
    r"leave) you(?: guys)?(?= for|\W|$)|(?:book|fly|buy|order|shop|go|stay|"
    r"bank) with (?:someone|somebody|another|other|a competitor|a different)|lost (?:me|"
    r"us|a customer|a loyal)|(?:i'm|i am|we're|we are) (?:out of here|off|"
    r"done with (?:you|this (?:company|bank|airline|shop)))|"
    r"(?:PAC|porting) code|thinking (?:of|about) (?:leaving|switching|cancel)|"
    r"consider(?:ing)? (?:leaving|switching|other|cancel|moving|alternatives)|"
    r"switch(?:ing)? (?:away|providers?|banks?|suppliers?)|find (?:someone|somebody|"
    r"another (?:provider|bank|supplier|company|shop)) else)\b|"
    r"\bnever again\b|\b(?:i'm|i am|we're|we are|i'll|we'll|i will|we will|(?:want|going|"
    r"like|about|have|decided|wish) to|i'd|"
    r"please) (?:\w+ ){0,2}?cancel(?:l?ing)?\b(?! (?:\w+ ){0,2}?(?:orders?|booking|"
    r"appointment|items?|flight|reservation|transfer|payment|delivery|return|room|visit|"
    r"tickets?|parcel|one|it|card|request|replacement|call|trip|hotel|table)\b)|"
    r"\b(?:how (?:do|can) (?:i|we) (?:cancel|leave|close)(?! (?:the|my|an?|this) (?:order|"
    r"booking|return|payment))|(?:i'm|we're|i am|we are) (?:done(?: with|\.|$|,)|off to|"
    r"out\b|cancelling|switching|leaving(?= you|\W*$| for another))|(?:switch(?:ing)?|"
    r"chang(?:e|ing)) (?:over )?to (?!a different (?:card|plan|address)|paperless|the|my|"
    r"monthly|annual|a new|e-?mail)\w+|my notice|notice period|hand(?:ing)? in (?:my|"
    r"our) notice|want out|lost (?:my|our) (?:business|custom)|not (?:be )?(?:renewing|"
    r"coming back|ordering again|using you)|(?:looking|look) (?:at|for|into) (?:other|"
    r"another|alternatives|different) ?(?:providers?|banks?|suppliers?|companies|options|"
    r"tools)?|"
    r"(?:move|moving|take|taking) (?:all )?(?:our|my) (?:\w+ )?(?:account|accounts|"
    r"business|number|money|savings|custom|data|team|lines?) (?:to|elsewhere|over))(?!\w)"
)
_BUYING = _rule(
    r"\b(?:(?:i'd|i would|we'd|we would|i want|we want|i'm (?:looking|hoping|ready|going)|"
    r"we're (?:looking|hoping|ready|going)|i am (?:looking|hoping|ready)|"
    r"we are (?:looking|hoping|ready)|would|happy|ready|looking|want|like|love|wanting|"
    r"planning|decided|interested in|thinking of|keen) (?:\w+ ){0,2}?(?:to )?"
    r"(?:order|buy|purchase|upgrad(?:e|ing)|sign(?:ing)? up|subscrib(?:e|ing)|buying|"
    r"ordering|purchasing|adding|add (?:\w+ ){0,3}(?:seats?|licen[sc]es?|users?|lines?|"
    r"sim|package|room|night)|book(?:ing)? (?:a|an|the|another|two|three|for|my|our)|"
    r"take out (?:a|an)|get (?:the|a|two|three) (?:\w+ )?(?:one|plan|package|premium|"
    r"bigger|new|pro)|proceed|place an order|open (?:a|an|another) (?:\w+ )?(?:account|"
    r"isa))|"
    r"(?:i'll|we'll|i will|we will) (?:buy|take (?:it|them|two|three|both)(?! (?:to|back|"
    r"from|out|off|up))|order|go (?:for|with|ahead)|upgrade|subscribe|book|sign up)|"
    r"go(?:ing)? ahead with|how (?:do|can) (?:i|we) (?:buy|order|upgrade|subscribe|"
    r"sign up|purchase)|where can i (?:buy|order)|(?:can|could|may) (?:i|we) (?:order|buy|"
    r"upgrade|pre-?order|purchase|reserve)|"
    r"(?:put me down for|count me in|sign (?:me|us) up|send me (?:a|the|your) (?:quote|"
    r"offer|order form)|quote for|place (?:an|a|another) (?:\w+ )?order)|add (?:one|two|"
    r"three|it|another|\d+) to my (?:order|basket|cart)|ready to (?:buy|order|sign|"
    r"upgrade|pay|commit))\b|"
    r"\b(?:(?:i'd|we'd|i would|we would) (?:like|love|take) (?:to (?:take|have) )?(?:two|"
    r"three|four|five|six|ten|twelve|twenty|\d+|another|one of)|where do (?:i|we) (?:sign|"
    r"pay|order)|(?:want|need|considering|interested in|thinking (?:of|about)|would like|"
    r"like to|going to|decided to|keen to|love to) (?:\w+ ){0,2}?(?:upgrad(?:e|ing)|"
    r"buy(?:ing)?|purchas(?:e|ing)|order(?:ing)?(?! number| status)|subscrib(?:e|ing)|"
    r"extra (?:seats|licen[sc]es|users|lines)|more (?:seats|licen[sc]es|users|lines))|"
    r"(?:need|want|like) (?:\d+|two|three|five|ten|twenty|fifty|a hundred) (?:more |new |"
    r"extra |of )|(?:price|cost|quote|offer) for (?:\d+|two|ten|twenty|fifty|a hundred|"
    r"our)|(?:want|take) the (?:pro|premium|bigger|larger|family|business|annual|blue|red|"
    r"black|green|white|new)|i'm in\b(?=.*(?:order|send|deal|where))|sold[,!]|"
    r"deal[,!] (?:send|order|i'll|sign))(?!\w)"
)
_NOT_MEANT = _rule(
    r"\b(?:don't|do not|didn't|did not|won't|wouldn't|not|never|isn't|no longer|"
    r"rather not|without) (?:(?:really|even|actually|necessarily) )?(?:want|wish|like|"
    r"intend|plan|planning|going|mean|trying|thinking|looking|interested|ready|have|need|"
    r"yet)?\s*(?:to |of |in )?(?:\w+ )?$"
)
_ILLNESS = (
    r"cancer|chemo(?:therapy)?|radiotherapy|tumou?r|hospital(?:i[sz]ed)?|surgery|"
    r"operation on my|stroke|heart attack|dialysis|oxygen|ventilator|insulin|diabet\w+|"
    r"epilep\w+|asthma\w*|pneumonia|depress(?:ion|ed)|anxiety (?:disorder|attacks?)|"
    r"panic attacks?|"
    r"mental(?:ly)? (?:health|ill)|breakdown|(?:seriously|terminally|very|gravely|"
    r"really) (?:ill|sick|unwell)|(?:i'm|i am|been|was|she's|he's|is|fell|off|"
    r"got) (?:\w+ )?(?:ill|sick|unwell)(?! of)|sick leave|illness|diagnos(?:ed|is)|"
    r"hospice|intensive care|ICU|miscarriage|suicid\w+|parkinson\S*|"
    r"broke (?:my|his|her) (?:leg|arm|hip|wrist|back|ankle)|dementia|alzheimer\S*|"
    r"transplant|long covid|had covid|in a coma|broken (?:leg|arm|hip)|multiple sclerosis|"
    r"nebuli[sz]er|feeding tube"
)
_LOSS = (
    r"(?:passed away|passed on|passed last|bereave\w+|funeral|widow(?:er|ed)?|"
    r"my late (?:\w+ ){0,2}|deceased|probate|(?:has|have|just|recently|sadly|who|he|she|"
    r"they|father|mother|mum|mom|dad|husband|wife|partner|brother|sister|son|daughter|"
    r"grandmother|grandfather|gran|nan|uncle|aunt|friend) (?:has |had |just |recently |"
    r"sadly |suddenly )*died|"
    r"(?:the )?death of (?:my|our|his|her)|(?:his|her|my \w+'s) death|death certificate|"
    r"lost (?:my|our|her|his) (?:\w+ )?(?:mother|father|mum|mom|dad|husband|wife|partner|"
    r"son|daughter|brother|sister|baby|child|grandmother|grandfather|gran|nan)|grieving|"
    r"in mourning|estate of)"
)
_DISABILITY = (
    r"(?:disab(?:led|ility|ilities)|wheelchair|(?:i'm|i am|is|am|registered|legally|"
    r"partially|going|she's|he's|nearly|almost) (?:\w+ )?(?:blind|deaf)|visually impaired|"
    r"hearing (?:impaired|loss|aids?|impairment)|hard of hearing|partially sighted|"
    r"sight loss|screen ?reader|autis(?:m|tic)|adhd|dyslexi\w+|mobility (?:aid|scooter|"
    r"issues?|problems?)|"
    r"can't (?:walk|see|hear|stand)(?= |\W|$)(?! (?:the|it|any|this|that|what|how|why|my|"
    r"where|anything|you))|braille|sign language|guide dog|paraly[sz]ed|"
    r"learning difficult\w+|special needs|down'?s syndrome|cerebral palsy|amputee|"
    r"prosthe\w+|low vision|cannot (?:walk|hear)|walking (?:stick|frame))"
)
_DEPENDANTS = (
    r"(?:new-?born|newborn|baby|babies|toddlers?|(?:small|young|little|two|three|four|my|"
    r"our|school|sick) (?:\w+ )?(?:kids|children)(?! (?:section|menu|shoes|clothes|size|"
    r"bike|ticket))|pregnan(?:t|cy)|single (?:mum|mom|mother|dad|father|parent)|"
    r"(?:elderly|frail|disabled|ageing|aging|\d\d[- ]year[- ]old) (?:\w+ )?(?:mother|"
    r"father|mum|mom|dad|parents?|relatives?|aunt|"
    r"grandmother|grandfather|gran|nan|neighbou?r|lady|man|son|daughter|child)|carer|"
    r"caring for|care for my|look after my|looking after (?:my|our|a|two)|kids (?:at home|"
    r"in the house|are|have|need|with)|month[- ]old|week[- ]old|dependants?|"
    r"power of attorney)"
)
_SEPARATION = (
    r"(?:divorc\w+|separat(?:ed|ion|ing) (?:from|agreement|last|and|in|now)|(?:we|i|just|"
    r"recently|are|have|i've|we've|'re|'m) (?:\w+ )?separat(?:ed|ing)|ex[- ](?:husband|"
    r"wife|partner|boyfriend|girlfriend)|my ex\b|split(?:ting)? up|broke up|break-?up|"
    r"custody|moved out (?:and|after|of our)|restraining order|"
    r"domestic (?:abuse|violence)|abusive|my (?:husband|wife|partner) (?:has |just |"
    r"and i have )?(?:left|moved out))"
)
_CARE = _rule(rf"\b(?:{_ILLNESS}|{_LOSS}|{_DISABILITY}|{_DEPENDANTS}|{_SEPARATION})\b")
_FIGURATIVE = _rule(
    r"\b(?:sick of|sick and tired|phone died|battery died|died on me|it died|router died|"
    r"laptop died|like a baby|baby steps|baby (?:shower|blue|pink)|makes me (?:sick|ill)|"
    r"heart attack when|nearly had a heart attack|give me a heart attack|treatment (?:i|"
    r"we|you)|deaf ears|blind (?:eye|spot)|"
    r"customer service is (?:dead|sick)|separated (?:items?|parcels?|deliver\w+)|"
    r"in separate|invoice|separation of|not ill\b)"
)


def intent_signals(readings: Sequence[Reading]) -> Iterator[Statement]:
    """The sentences in which the customer announces to leave or to buy."""
    for reading in readings:
        for sentence in reading.sentences if reading.by_customer else ():
            if _meant(_LEAVING, sentence.plain) or _meant(_BUYING, sentence.plain):
                yield quote(sentence.said, reading, 0.75)
                break


def sensitivities(readings: Sequence[Reading]) -> Iterator[Statement]:
    """The sentences in which the customer names a circumstance to be careful with."""
    for reading in readings:
        for sentence in reading.sentences if reading.by_customer else ():
            if _CARE.search(_FIGURATIVE.sub(" ", sentence.plain)):
                yield quote(sentence.said, reading, 0.75)
                break


def _meant(rule: re.Pattern[str], text: str) -> bool:
    return any(not _NOT_MEANT.search(text[: found.start()]) for found in rule.finditer(text))
