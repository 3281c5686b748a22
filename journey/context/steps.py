"""Steps that were tried to settle a matter, and whether they worked."""

import re
from collections.abc import Iterator, Sequence

from domain.context import Attempt
from journey.context.text import Reading

WORKED, FAILED = "WORKED", "FAILED"


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_DEED = (
    r"(?:tried|tested|restarted|rebooted|re-?booted|reset|reinstalled|re-?installed|"
    r"uninstalled|cleared|updated|upgraded|changed|swapped|"
    r"unplugged|replugged|plugged|replaced|removed|switched|turned|logged|signed|disabled|"
    r"enabled|cleaned|charged|checked|followed|called|"
    r"contacted|re-?entered|entered|typed|used|scanned|downloaded|deleted|re-?paired|"
    r"paired|reconnected|disconnected|reseated|descaled|"
    r"formatted|rolled back|moved|pressed|held|took (?:it|the) out|put (?:it|the) back|"
    r"ran|did (?:that|this|it|so|all|the|everything|what)|"
    r"done (?:that|this|it|so|all|the|everything|what)|attempted|resent|refreshed|"
    r"relogged|bled|tightened|unblocked|recalibrated|synced)"
)
_TRIED = _rule(
    r"\b(?:(?:i|we|he|she|they|i've|we've|i have|we have|have|has|already|even|just|and|"
    r"then|having|also|been|your \w+|the \w+|man|engineer|technician)\s+"
    r"(?:(?:already|just|also|even|now|both|tried to|then|never)\s+)*"
    + _DEED
    + r"\b|^(?:"
    + _DEED
    + r")\b|\b(?:tried|trying) (?:to |that|it|this|the|your|a|every|all|again|both|"
    r"everything|different|another)|"
    r"\b(?:after|despite|by|even after|even with) (?:restarting|rebooting|resetting|"
    r"reinstalling|clearing|updating|changing|swapping|unplugging|replacing|trying|"
    r"following|"
    r"switching|turning|logging|removing|deleting|using|cleaning|re\w+ing|doing)\b|"
    r"\b(?:restarting|rebooting|resetting|reinstalling|clearing|swapping|unplugging|"
    r"replacing|updating|switching)\b)"
)
_FAILURE = _rule(
    r"\b(?:no (?:luck|joy|success|use|difference|change|effect|improvement|go|dice|good)|"
    r"nothing (?:helps?|helped|works?|worked|happens?|happened|changed|has changed|"
    r"comes up)|none of (?:it|that|them|those|this) (?:helped|works?|worked|did)|"
    r"(?:did|does|do|has|had|is|was|were|are|would|will|could|can)(?:n't|"
    r" not) (?:\w+ ){0,2}?(?:work(?:ing|ed)?|help(?:ed|ing)?|fix(?:ed)?|solved?|"
    r"change(?:d)?|do (?:anything|it|the trick)|make (?:a|any) difference|made (?:a|"
    r"any) difference|load|open|start|turn on|connect|log in|respond|go through|let me|"
    r"recognised?|recognized|accept(?:ed)?|done anything|gone)|"
    r"(?:still|again|same) (?:\w+ ){0,3}?(?:error|problem|issue|message|not|no|nothing|"
    r"fails?|failing|failed|broken|dead|down|crash(?:es|ed|ing)?|leak(?:s|ing)?|invalid|"
    r"blank|slow|the same|stuck|blocked|doesn't|won't|isn't|can't|cold|red|flashing|"
    r"blinking|drops?|dropping|off|empty|wrong|locked|says?|shows?|get(?:ting)?|happens?|"
    r"thing|happening|offline|disconnect(?:s|ed|ing)?|black|white|frozen|freez(?:es|ing)|"
    r"rejected|declined)|"
    r"to no avail|in vain|without (?:success|luck|any (?:success|luck|effect|change))|"
    r"(?:fails?|failed) (?:again|every|each|with|at|to|both|too)|failed$|made (?:it|"
    r"things) worse|(?:it|that|this) (?:failed|crashed)|both (?:say|said|failed|fail)|"
    r"keeps? (?:\w+ing)|useless|same (?:story|result|thing|error|problem|again)|"
    r"not working|came back (?:after|again|on)|back again|"
    r"unsuccessful(?:ly)?|didn't take|error (?:again|\d+|code|still)|only (?:lasted|"
    r"worked|held) (?:for )?(?:a|an|one|two|five|\d+|until))(?!\w)"
)
_SUCCESS = _rule(
    r"\b(?:(?:that|it|this|which|they|restart(?:ing)?|reboot(?:ing)?|"
    r"\w+ing (?:\w+ ){0,4})(?:'s|'ve| has| have)? ?(?:just |finally |actually |totally |"
    r"now )?(?:worked|fixed (?:it|that|the|everything|my)|did (?:the trick|it)|"
    r"solved (?:it|that|the|my)|helped|sorted (?:it|that)|resolved (?:it|the|that))|"
    r"(?:works?|working) (?:now|again|fine|perfectly|great|like a charm|properly|well|"
    r"as (?:it|before))|(?:it|that|this|everything|all|now it|and it)(?:'s|"
    r" is)? (?:just )?works?(?:ing)?(?: now| again| fine|!|\.|,|$)|(?:i'm|i am|we're|"
    r"we are) (?:back )?(?:in|online|connected|logged in)(?: now| again)?(?=[.,!]|$)|"
    r"(?:all|it's|is|everything(?:'s| is)?) (?:good|sorted|fixed|solved|back|up|"
    r"up and running|resolved|fine|working) now|(?:now|and) (?:it's|it is|"
    r"they're) (?:back|working|fine|fixed|on|green|up)|back (?:up|online|to normal|"
    r"on)(?: now| again)?(?=[.,!]|$)|does the trick|did the trick|(?:problem|issue|that's|"
    r"that is|it's|is) (?:now )?(?:solved|fixed|sorted|resolved|gone)|"
    r"(?:succeeded|successful(?:ly)?)|went through|finally (?:works|worked|went|got (?:it|"
    r"in)|connected)|got it (?:working|to work|running)|(?:can|could) (?:now )?(?:log in|"
    r"connect|see it|open it|print) (?:again|now)|is (?:green|on|back) (?:again|now)|"
    r"worked (?:a treat|like|perfectly|fine|first time|straight|!|this time|on the|in|"
    r"with|for me))(?!\w)"
)
_NOT_WORKED = _rule(
    r"\b(?:not|never|nothing|none|no|hardly|will|going to|make sure|to be|be|if|"
    r"hope(?:fully)?|unless|should|until|whether|when it|might|used to|"
    r"before it)\b[^.,!?]{0,25}$|\b(?:when|once|as soon as|until|"
    r"let you know)\b[^.!?]{0,50}$|(?:n't|'ll)\b[^.,!?]{0,25}$"
)
_HYPOTHETICAL = _rule(
    r"^(?:if|please|try|could you|can you|would you|have you|did you|should|when|once|"
    r"you (?:can|could|should|need))\b|\b(?:if (?:that|it|this)|in case it|"
    r"should it)(?!\w)"
)
_BUT = _rule(
    r"\b(?:still|but (?:no|it|the|nothing|still|i|now|that|same)|no (?:answer|reply|"
    r"response|change)|same|nothing|again|won't|wouldn't|doesn't|didn't|isn't|wasn't|"
    r"can't|couldn't|n't|nope|neither|invalid|error|fails?|failed|refus\w+|worse|"
    r"without)\b|^(?:no|nah|nope)(?!\w)"
)
_BETTER = _rule(
    r"\b(?:voil[aà]|fine now|better now|perfect(?:ly)?|back again|came (?:back )?(?:up|"
    r"on)|back (?:up|on|online)|success|solved|no (?:more )?(?:problems|issues) since|"
    r"good as new|up and running|all good|sorted)\b(?!.*\b(?:but|still)\b)"
)
_HOORAY = _rule(
    r"^(?:(?:ok|okay|oh|wow|ah|yes|great|brilliant|perfect)[,.! ]+)*(?:(?:yes|yep|"
    r"yeah)[,!. ]+(?:it|that|thanks|thank you|all|works|working|perfect|great|now|i)|"
    r"(?:it|that)(?:'s|s| is)? (?:back|green|on|up|fine|good|there|sorted|gone|loading|"
    r"working|did it|did|fixed|worked|works)|all (?:good|sorted|working|fine|green)|"
    r"working|works|sorted|fixed|solved|we(?:'re| are) back|i can see it|i see it now|"
    r"got it working|back on(?:line)?)\b(?!.*\b(?:but|not|n't|still|except)\b)"
)
_ADVICE = _rule(
    r"^(?:(?:ok|okay|hi|hello|sure|right|then|first|next|now|also|and|please|could you|"
    r"can you|would you|you could|you can|you might|maybe|have you)[,. ]+)*(?:try|restart|"
    r"reboot|reset|turn|switch|unplug|remove|clear|log|sign|take|hold|press|check|update|"
    r"reinstall|delete|open|use|go|disable|enable|swap|change|put|pull|plug|connect|"
    r"disconnect|re-?enter|enter|download|uninstall|clean|run|tap|click|select|wait)\b|"
    r"\b(?:please (?:try|restart|reboot|reset|turn|switch|unplug|remove|clear|log|take|"
    r"hold|press|check|update|reinstall|delete|open|use|go)|try\b|could you (?:try|"
    r"restart|reboot|reset|turn|unplug|please|clear|update|check if|reinstall|use)|"
    r"can you (?:try|restart|reboot|reset|turn|unplug|please|clear|update|reinstall|use)|"
    r"have you tried|"
    r"you can (?:reset|try|clear|restart)|(?:does|did|is) (?:it|that|"
    r"this) (?:\w+ )?(?:work|help|working|any better)|(?:here is|here's|"
    r"sent (?:you )?)(?: you)? (?:a|the) (?:new )?(?:link|code|password|version|file|"
    r"label)|(?:i've|i have|i) (?:\w+ )?(?:reset|re-?sent|restarted|unlocked|refreshed|"
    r"cleared|re-?issued|pushed|changed|switched|updated|rebooted)|restart|reboot|"
    r"reinstall|unplug|clear(?:ing)? (?:the|your) (?:cache|cookies)|hold (?:down )?the|"
    r"turn(?:ing)? (?:it|the|your|airplane))(?!\w)"
)


def attempts(readings: Sequence[Reading]) -> Iterator[Attempt]:
    """Of one thread in order of time: at most one of each message."""
    advised: Reading | None = None
    for reading in readings:
        outcome = _outcome(reading, advised is not None)
        if outcome is not None:
            yield _attempt(reading, advised, outcome)
        if reading.by_us and _ADVICE.search(reading.plain):
            advised = reading
        elif outcome is not None:
            advised = None


def _outcome(reading: Reading, advised: bool) -> str | None:
    told = [
        one.plain for one in reading.sentences if not (one.asks or _HYPOTHETICAL.search(one.plain))
    ]
    text = " ".join(told)
    if not (reading.by_customer or reading.by_us) or not text:
        return None
    tried = bool(_TRIED.search(text))
    reports = advised and reading.by_customer and len(text.split()) <= 40
    cheers = (reports and _HOORAY.search(text)) or (tried and _BETTER.search(text))
    if (_worked(text) or cheers) and not (tried and _FAILURE.search(text)):
        return WORKED
    failed = _FAILURE.search(text) or ((tried or reports) and _BUT.search(text))
    if failed and (tried or reports):
        return FAILED
    return None


def _worked(text: str) -> bool:
    return any(not _NOT_WORKED.search(text[: found.start()]) for found in _SUCCESS.finditer(text))


def _attempt(reading: Reading, advised: Reading | None, outcome: str) -> Attempt:
    """The step is what the message says was tried, or, where it names none, what was advised."""
    own = next((one.said for one in reading.sentences if _TRIED.search(one.plain)), None)
    advice = advised and next(
        (one.said for one in advised.sentences if _ADVICE.search(one.plain)), None
    )
    evidence = (reading.id,) if own or advised is None else (advised.id, reading.id)
    step = own or advice or reading.sentences[0].said
    return Attempt(
        step=step[:300],
        by=reading.author,
        at=reading.message.at,
        outcome=outcome,
        evidence=evidence,
    )
