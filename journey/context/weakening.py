"""What takes the binding force out of a promise: conditions, hopes, doubts, hearsay, questions."""

import re


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


IF = _rule(
    r"\b(?:if|provided(?: that)?|assuming|as long as|only when|whenever|"
    r"(?:^|[,;] )should (?:you|it|the|that|there|a|your|anything|this))\b"
)
WHETHER = _rule(
    r"\b(?:check(?:ing)?|see(?:ing)?|find(?:ing)? out|ask(?:ing)?|know|confirm(?:ing)?|"
    r"look(?:ing)?(?: into)?|tell you|verify|test|clarify|"
    r"on|as)(?: (?:with \w+(?: \w+){0,3}|him|her|them|the \w+|my \w+|our \w+))? if\b|"
    r"\bwhat if\b|\beven if\b|"
    r"\bif (?:possible|not (?:sooner|before|earlier)|necessary|needed|so|"
    r"anything (?:changes|else)|that(?:'s| is) (?:ok(?:ay)?|all ?right|fine)|that works|"
    r"that suits|i may|you don't mind)\b|"
    r"\b(?:let (?:me|us) know|call (?:me|us)|reach out|shout|contact us|reply|"
    r"write) (?:\w+ )?if\b"
)
RULE_OF_HOUSE = _rule(
    r"\b(?:usually|normally|typically|generally|in general|as a rule|every (?:time|month|"
    r"year|day|customer)|"
    r"each (?:time|month|year|customer)|any (?:customer|order|refund|item)s?|customers|"
    r"automatically (?:renew|be charged|charge)|"
    r"on average|as standard|most (?:orders|refunds|customers))\b"
)
HOPE = _rule(
    r"\b(?:hope(?:fully)?|hoping|might|maybe|perhaps|probably|possibly|ideally|"
    r"with (?:any|a bit of|some) luck|fingers crossed|no guarantee|"
    r"i (?:think|guess|suppose|assume|doubt|expect)|with luck|if all goes well)\b"
)
NOT = _rule(
    r"(?:\bnot|n't|\bnever|\bcannot|\bunable to|\bhard to) (?:\w+ )?(?:sure|think|promise|"
    r"guarantee|say|know|believe|certain|confirm|mean|aware|expect|commit|"
    r"assure)\b[^,;:]*$|"
    r"\b(?:nobody|no one|none(?: of \w+)*|neither(?: of \w+)*|doubt(?: that| if|"
    r" whether)?|no (?:engineer|technician|one|refund|replacement|driver)|"
    r"never)(?: \w+)?\s*$"
)
SOMEBODY_SAID = _rule(
    r"\b(?:said|told|promised|claimed|assured|claims|says|apparently|supposedly|allegedly|"
    r"according to|"
    r"keeps? (?:saying|telling|promising)|thought|(?:were|was) (?:supposed|meant) to)\b[^,;:]*$"
)
AS_PROMISED = _rule(
    r"\bas (?:\w+ )?(?:promised|said|mentioned|discussed|told|agreed)\b|\blike i (?:said|"
    r"mentioned)\b|"
    r"\b(?:i've|i have|i) (?:\w+ )?(?:told|asked|mentioned to) (?:my|the|our|them|him|her)\b"
)
DENIED = _rule(r"\b(?:not|never|n't|cannot|no longer)\b|n't\b")
OPENS_WITH_IF = _rule(
    r"^(?:\w+[,:] |and |but |so |then |well,? )?(?:if|unless|should (?:you|it|the|that|"
    r"there|your|anything|this)|in case|as long as|provided|assuming)\b"
)
ASKS_FIRST = _rule(
    r"^(?:\w+[,:]? )?(?:will|shall|can|could|would|do|does|did|is|are|when|what|how|why|"
    r"where|who|which|may|should|have|has)\b"
)
TAIL = _rule(
    r"[,;:-]\s*(?:(?:and|so|but) )?(?:does|is|would|are|can|could|do|should|will|how|when|"
    r"what|where|which|shall|has|have|any|anything|ok(?:ay)?|all ?right|right|deal|yeah|"
    r"fine)\b[^,;]*\?+$"
)
TAG = _rule(
    r"\b(?:ok(?:ay)?|all ?right|right|fine|good|deal|sound good|sounds good|"
    r"is that ok(?:ay)?|that ok(?:ay)?|yeah|alright)\s*\?+$"
)
