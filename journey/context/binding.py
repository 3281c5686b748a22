"""The words in which people bind themselves, and those that look like it and do not."""

import re


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_ADVERB = (
    r"(?:(?:also|then|now|just|certainly|definitely|gladly|happily|personally|immediately|"
    r"of course|"
    r"be sure to|make sure to|gladly|quickly|still|therefore|always be sure to|both|all|"
    r"absolutely|"
    r"surely|first|at once|right away|in fact|as well|go ahead and),?\s+)*"
)
_FIRST = (
    r"\b(?:(?:i|we)(?: \w+ly)?(?:'ll| will| shall|"
    r"(?:'m|'re| am| are)(?: \w+ly| now| also)? (?:going|about) to)),?\s+"
)
_OURS = (
    r"(?:my|our|the|an?|one of (?:my|our|the)|someone|somebody|another|your|this|that)\s*"
    r"(?:[\w'&-]+\s+){0,5}?"
)
_WORKER = (
    r"(?:(?:"
    + _OURS
    + r")?(?:colleagues?|teams?|managers?|supervisors?|engineers?|technicians?|drivers?|"
    r"couriers?|specialists?|advis[eo]rs?|agents?|someone|somebody|departments?|desk|"
    r"warehouse|store|"
    r"shop|branch|people|staff|plumbers?|electricians?|fitters?|developers?|accounts|"
    r"billing|finance|"
    r"logistics|housekeeping|reception|carrier|lead|office|crew|depot|lab|workshop|"
    r"partner|handler|system|"
    r"expert|he|she|they)(?: (?:from|at|in|on) (?:[\w'-]+\s?){1,4})?)"
)
_THING = (
    r"(?:(?:your|the|a|an|this|that|these|both|all|every|another|one|two|three|new|it|"
    r"they|everything|which|"
    r"our|my|any|refund|payment|delivery|replacement|confirmation|credit|compensation|"
    r"invoice|tickets?|parcel|card|money|"
    r"[£$€]\s?[\d.,]+|[\d.,]+ ?(?:pounds|euros?|dollars|[£$€])|"
    r"the full)(?:\s+[\w'£$€.,#&/()-]+){0,7}?)"
)
_DONE_TO = (
    r"(?:be(?:ing)?\s+(?:\w+ly\s+|also\s+|then\s+|all\s+)?(?:sent|shipped|posted|mailed|"
    r"e-?mailed|dispatched|"
    r"despatched|delivered|refunded|credited|returned|transferred|paid|replaced|repaired|"
    r"fixed|updated|"
    r"corrected|changed|removed|cancelled|canceled|reset|restored|activated|reactivated|unlocked|"
    r"unblocked|released|issued|reissued|processed|escalated|forwarded|passed|reviewed|"
    r"investigated|"
    r"checked|looked (?:at|into)|collected|picked up|contacted|called|rung|phoned|"
    r"notified|informed|"
    r"booked|rebooked|moved|added|applied|deducted|waived|reversed|reimbursed|given|offered|"
    r"resolved|sorted|handled|dealt with|completed|finished|installed|connected|reconnected|"
    r"reopened|deleted|adjusted|extended|upgraded|redelivered|resent|there|with you|here|"
    r"on its way|"
    r"out (?:to|with)|back (?:to|with|in touch|on your)|in (?:your|the post|touch)|ready|"
    r"live|up again|"
    r"available to you|visible in your|taken (?:off|care)|put (?:back|on|through)|made|prepared|"
    r"arranged|scheduled|confirmed|set up|swapped|exchanged|covered))"
)
_ARRIVE = (
    r"(?:arrive|come|reach (?:you|your)|land|show(?: up)?|appear|go (?:out|live|back)|"
    r"ship|leave|follow|get to you|"
    r"drop|turn up|hit your)"
)
WE_DO = _rule(_FIRST + _ADVERB + r"(?P<verb>[\w'-]+)(?=(?P<rest>.*))")
BARE = _rule(
    r"^(?:(?:ok(?:ay)?|sure|yes|yep|alright|all right|right|great|perfect|thanks|"
    r"thank you|of course|no problem|"
    r"understood|noted|absolutely|fine|good)[,.! ]+)*(?:(?:will|shall) (?:also |then |"
    r"definitely )?(?!be\b(?! (?:in|back|with|there|sending))|not\b|you\b|i\b|we\b|it\b|"
    r"the\b|my\b|your\b|this\b|that\b|they\b|there\b|a\b|an\b|wait\b|try\b|have to\b|"
    r"never\b|never|see\b)[a-z]"
    r"|(?:sending|forwarding|posting|uploading|e-?mailing|escalating|transferring) "
    r"(?:it|them|you|this|that|the|those|over)\b(?=.*\b(?:tonight|today|tomorrow|now|"
    r"later|after|in|this|on|by)\b))"
)
DOING = _rule(
    r"\b(?:i'm|i am|we're|we are|"
    + _WORKER
    + r" (?:is|are))\s+(?:(?:now|also|just|already|currently)\s+)?"
    r"(?:sending|posting|shipping|mailing|e-?mailing|passing|forwarding|escalating|transferring|"
    r"raising|arranging|booking|organi[sz]ing|ordering|issuing|reissuing|refunding|crediting|"
    r"handing|putting|getting|calling|ringing|coming|dispatching|despatching|replacing|"
    r"connecting|"
    r"opening|scheduling|bringing|dropping|picking|returning|reopening|filing|logging|rebooking|"
    r"extending|adding|waiving|processing|requesting|setting|having|preparing|changing|"
    r"correcting|moving|cancelling|canceling|removing|upgrading|"
    r"unlocking|paying|giving you|making sure|taking (?:this|it) (?:to|up|on|over)|"
    r"chasing|following up|prioriti[sz]ing|flagging)\b"
)
THEY_DO = _rule(
    r"\b"
    + _WORKER
    + r"(?:'ll| will| is going to| are going to|'s going to|'re going to)\s+"
    + _ADVERB
    + r"(?!not\b|never\b|need\b|have to\b|ask\b|want\b|know\b|be (?:able|happy|closed|"
    r"busy))(?P<verb>\w+)"
)
IT_HAPPENS = _rule(
    r"(?<![\w£$€])"
    + _THING
    + r"(?:'ll| will| shall| is going to| are going to|'s going to|'re going to)\s+"
    + _ADVERB
    + r"(?:"
    + _DONE_TO
    + "|"
    + _ARRIVE
    + r"\b)"
)
IT_IS_SET = _rule(
    r"(?<![\w£$€])(?:"
    + _THING
    + "|"
    + _WORKER
    + r")(?:'s|'re| is| are| has been| have been)\s+(?:now\s+)?"
    r"(?:being (?:sent|shipped|refunded|posted|dispatched|replaced|escalated|reissued|processed)|"
    r"(?:booked|scheduled|due|set) (?:for|to|on|in|tomorrow|today)|coming (?:on|by|out|"
    r"round|over|tomorrow|today|this|back))\b"
)
YOU_GET = _rule(
    r"\b(?:you(?:'ll| will| shall|'re going to| are going to)\s+"
    + _ADVERB
    + r"(?:receive|get|have(?! to)|hear|be (?:contacted|connected|transferred|put through|"
    r"refunded|called|credited|notified|informed|reimbursed|compensated|e-?mailed|sent|"
    r"rung|moved|updated|"
    r"upgraded|rebooked|paid)|see (?:the (?:money|refund|credit|amount|payment)|it (?:on|"
    r"in) your)|be getting|be hearing|be receiving)|"
    r"(?:you can|please|do) expect (?:an?|the|our|your|it|to (?:hear|receive|get)|my|delivery)|"
    r"(?:^|[,:] )expect (?:an?|the|our|your|it) )"
)
VOW = _rule(
    r"\b(?:(?:i|we)(?: can| do|'ll)? ?(?:promise|guarantee|commit|assure you|swear)|"
    r"you have my word|my word on it|"
    r"(?:consider|count) it done|leave (?:it|that|this) (?:with|to) (?:me|us))\b"
)
LET_ME = _rule(
    r"\b(?:let me|allow me to|i need to|i have to|i want to|give me|"
    r"bear with me)\b.*\b(?:(?:get|come|be) (?:right )?back to you|"
    r"let you know|call you|ring you|e-?mail you|write to you|text you|update you|"
    r"report back|follow up)\b"
)
SOMEONE_DOES = _rule(
    r"(?<!\byou)(?<!\bcustoms)(?<!\bbank)(?:'ll| will| is going to| are going to)\s+"
    + _ADVERB
    + r"(?:(?:call|ring|phone|e-?mail|text|contact|visit|write to|update|notify|"
    r"reach out to|reach|help|"
    r"refund|reimburse|compensate|inform|message|walk|meet|join|assist) you\b|(?:be|get|"
    r"come|go|reach) (?:back |right )?(?:in (?:touch|contact)|with you|back to you|to you|"
    r"round|over to you|out to you)|"
    r"(?:send|e-?mail|post|text|give|bring|get|hand) (?:you|it to you|them to you|the|"
    r"your|a|out)\b|"
    r"(?:collect|pick up|pick it up|replace|repair|fix|deliver|drop|swap|look (?:at|into)|"
    r"take (?:care|a look|over|it from)|sort|arrange|process|handle|review|come (?:out|by|"
    r"on|to)|follow up|call back|ring back|confirm|approve|release|install|reconnect|"
    r"restore)\b)"
)
SHORT = _rule(
    r"^(?:i'm |we're |am )?on it\b|\bto follow (?:by|in|via|on|this|tomorrow|today|"
    r"shortly|soon|tonight|within)\b|^promise\b|"
    r"\byou(?:'re| are) (?:now |all )?(?:booked in|down|scheduled|set|"
    r"pencilled in) (?:in )?(?:for|on)\b|"
    r"(?<!can't )(?<!don't )(?<!we )(?<!\bi )(?<!to )\bexpect (?:an?|the|our|your|it|them|"
    r"delivery|to (?:hear|receive|get)|confirmation|news)\b"
)
LET_ME_DO = _rule(
    r"^(?:\w+[,!.] )?(?:so |then |and )?let me (?:just |quickly |also |then )?(?:send|"
    r"arrange|book|refund|set up|put in|raise|order|reorder|process|"
    r"escalate|forward|pass|transfer|connect|open|file|credit|replace|e-?mail|organi[sz]e|"
    r"sort (?:this|that|it))\b"
)
ARRANGED = _rule(
    r"\b(?:i've|i have|we've|we have|i|we)(?: now| just| already)? (?:booked|scheduled|"
    r"arranged|set up|organi[sz]ed|reserved|pencilled)\b.*\b(?:engineer|technician|"
    r"plumber|electrician|visit|call(?:back)?|call-back|appointment|collection|pick-?up|"
    r"delivery|redelivery|courier|replacement|meeting|slot|inspection|driver|you in)\b|"
    r"\b" + _WORKER + r" (?:comes|arrives|visits|rings|calls|collects|starts|picks|delivers)\b|"
    r"\b" + _THING + r" (?:goes|ships|leaves|arrives|lands|gets (?:sent|posted|delivered|credited)|"
    r"starts) (?:out|through|back|on|to|with|by|in|today|tomorrow|tonight|the|this|into|"
    r"off)\b"
)
"""Binding where a day or an hour is named."""
EMPTY_VERBS = frozenset(
    [
        "be",
        "have",
        "need",
        "see",
        "want",
        "think",
        "hope",
        "wish",
        "guess",
        "assume",
        "admit",
        "know",
        "believe",
        "wait",
        "like",
        "love",
        "hate",
        "stay",
        "never",
        "not",
        "remember",
        "understand",
        "regret",
        "miss",
        "say",
        "bet",
        "imagine",
        "suppose",
        "presume",
        "feel",
        "appreciate",
        "probably",
        "likely",
        "maybe",
        "possibly",
        "only",
        "prefer",
        "require",
        "expect",
        "keep",
        "go",
        "live",
        "die",
        "continue",
        "consider",
        "also",
    ]
)
BINDING = (
    (_rule(r"^be (?:sending|calling|ringing|posting|in touch|back|there|round|over|"
           r"processing|refunding|at (?:home|the)|"
           r"home|in (?:all|on|from|until|contact)|e-?mailing|contacting|issuing|"
           r"crediting|shipping|arranging|sure to|"
           r"replacing|updating|passing|visiting|coming|paying|returning|onto|on to|"
           r"writing|forwarding)")),
    (_rule(r"^have (?:(?:it|this|that|them|your|the|a|an|one|someone|somebody|our|my|him|"
           r"her|everything|these|those)\b"
           r"(?! to\b))")),
    (_rule(r"^keep (?:you|an eye|your|it|this|the (?:case|ticket|order|room|table|item|"
           r"booking|offer))")),
    (_rule(r"^go (?:ahead|through (?:it|the|this)|over (?:it|the))")),
    (_rule(r"^see (?:to it|to that|that)")),
    (_rule(r"^only (?:send|charge|call|refund|ship)")),
    (_rule(r"^also\b")),
)  # fmt: skip
HOLLOW = _rule(
    r"\b(?:ask you to|have to ask|be honest|be with you (?:in|shortly|right)|take (?:that|"
    r"this|it) as|"
    r"leave it (?:at|there)|let you (?:go|decide)|get (?:used|over)|be (?:frank|fair|"
    r"happy|glad|delighted|able|"
    r"unable|sorry|disappointed|late|damned)|believe|bet|find out the hard way|pretend|"
    r"try|do (?:my|our) (?:very |level )?best|do (?:what|everything|all) (?:i|we))\b"
)
CUSTOMER_DOES_NOT = _rule(
    r"^(?:try|buy|order|take (?:it|them|two|three|four|both|the (?:deal|offer|money|"
    r"refund|voucher))\b(?! to\b)|subscribe|upgrade|book|sign up|join|"
    r"go (?:for|with|elsewhere|somewhere|to)|just|wait|give (?:up|it)|be (?!sending|"
    r"bringing|posting|paying|home|at home|in\b|there|here|back|dropping|returning|"
    r"calling|over|round)|do (?:without|nothing|my (?:shopping|business)|business)|spend|"
    r"use|enjoy|eat|freeze|sit|stand|stick|"
    r"pass(?! (?:it|on|the))|skip|end up|lose|win|start|stop|move|need|hold (?:you|my|on)|"
    r"make do|let it|let this|look (?:elsewhere|around|somewhere|forward)|"
    r"shop|fly|tell (?:everyone|every|all|people|my friends)|post (?:this|about)|"
    r"write about|find (?:someone|somebody|another|a better)|\w+ (?:someone|somebody|"
    r"somewhere) else)\b"
)
CUSTOMER_DOING = _rule(
    r"\b(?:i'm|i am|we're|we are)(?: just| now)? (?:sending|uploading|posting|paying|"
    r"transferring|dropping|bringing|returning|e-?mailing|forwarding|shipping)\b"
    r"(?=.*\b(?:now|tonight|today|tomorrow|later|this|in|on|by|you|over|back)\b)|"
    r"\byou(?:'ll| will) (?:have|get|receive) (?:it|them|the|my|those|that|a (?:photo|"
    r"copy|picture|scan))\b(?! back)|"
    r"\bmy (?:husband|wife|partner|flatmate|room-?mate|neighbou?r|son|daughter|mother|"
    r"father|mum|dad|brother|sister|assistant|accountant|colleague|secretary|landlord)"
    r"(?:'ll| will) (?:be|let|take|send|bring|drop|sign|call|open|collect|pick|hand|wait|"
    r"pay|give)\b|"
    r"^(?:going to|gonna) (?:send|post|pay|upload|bring|drop|return|e-?mail|call|do)\b"
)
THREAT = _rule(
    r"\b(?:sue|lawyer|solicitor|attorney|ombudsman|trading standards|court|legal action|"
    r"chargeback|complain(?:t|ing)?|"
    r"report (?:you|this|it|them)|bad review|one[- ]star|review|trustpilot|twitter|"
    r"social media|newspaper|press|"
    r"never|elsewhere|(?:someone|somebody) else|another (?:provider|company|shop|bank|"
    r"supplier|airline|hotel)|competitor|cancel|leave you|switch|police|regulator|bbb|"
    r"dispute|tell everyone|make sure everyone|take my (?:business|money|custom))\b"
)
