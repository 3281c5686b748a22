"""The last question of a customer that nobody has answered."""

import re
from collections.abc import Sequence

from domain.context import Statement
from journey.context.due import due
from journey.context.moods import heat
from journey.context.promises import promises
from journey.context.statements import quote, topics
from journey.context.text import Reading, Sentence


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


HEATED = 0.45
"""How angry a message is from where on its questions are looked at with care."""

_LEAD = _rule(
    r"^(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening)|dear [\w ]+|so|and|but|"
    r"ok(?:ay)?|also|oh|well|then|please|sorry|"
    r"excuse me|just|erm?|um+|hm+|yes|no|yeah|right|thanks|thank you|there|team|all|guys|"
    r"quick question|one more thing|anyway|"
    r"now|actually|ah|btw|by the way|question)\b[,.!:\s-]*)+"
)
_WH = r"(?:where|when|what|how|why|which|who|whose)"
_AUX = (
    r"(?:can|could|do|does|did|is|are|was|were|will|would|should|shall|may|has|have|am|"
    r"any|isn't|aren't|can't|couldn't|"
    r"don't|doesn't|didn't|won't|wouldn't|shouldn't|haven't|hasn't)"
)
_SUBJECT = (
    r"(?:i|you|we|it|he|she|they|my|your|our|the|this|that|there|these|those|a|an|any|"
    r"anyone|anybody|someone|somebody|"
    r"everything|all|both|either)"
)
_INVERTED = _rule(r"^(?:" + _WH + r"(?:\s+\w+){0,4}?\s+)?" + _AUX + r"\s+" + _SUBJECT + r"\b")
_HUNG_ON = _rule(
    r"(?:,|\bbut|\band|\bso|\.\.+) (?:"
    + _WH
    + r"(?: \w+){0,2} )?(?:can|could|do|does|is|are|will|would|should) "
    r"(?:i|you|we|it|there|this|they|my)\b(?! (?:be|also|just)?\W*$)"
)
"""A question at the end of a sentence that tells something first: "declined, what do I do"."""
_BARE_WH = _rule(
    r"^(?:where(?:'?s)?|when(?:'?s)?|what(?:'?s)?|how(?:'?s| much| many| long| far| do|"
    r" can| about| come| likely| soon)?|why|which|who(?:'?s)?)\b"
    r"(?!.*\b(?:i'll|because|but i)\b)(?=.*\w)"
)
_PLAIN_ASKING = _rule(
    r"^(?:(?:what|who) (?:happens|about|else|counts|causes|if|time|do|does|is|are)\b|"
    r"how (?:long|much|many|often|far|soon|late) |(?:is|are|does) (?!not\b|what\b|still\b|"
    r"late\b|broken\b|now\b|very\b|so\b|too\b|just\b|really\b|all\b|ok\b|fine\b|great\b|"
    r"good\b|bad\b|\w+ed\b)\w+ \w+|"
    r"you (?:guys )?(?:got|have|sell|ship|take|accept|do) |(?:is it )?possible to |"
    r"any(?:one|body) (?:know|there|can|got)|got any |any (?:news|update|chance|idea|eta|"
    r"word|discount|way)|(?:and )?how about |what about )"
)
_FIRST_OF_ALL = _rule(
    r"^(?:can|could|would) (?:you|someone|anyone|somebody|"
    r"anybody) (?:please )?help(?: me)?(?: (?:with (?:this|that|it|something|my \w+)|"
    r"please|out|here))?\W*$|^(?:is )?(?:anyone|anybody|someone|somebody) (?:there|here|"
    r"around)\W*$|"
    r"^(?:hello|are you (?:there|still there|a (?:bot|human|robot|real person|person)|"
    r"real|human)|am i (?:talking|speaking|chatting) (?:to|with) .*|(?:can|may|"
    r"could) i ask (?:you )?(?:something|a question|a quick question)|"
    r"how are you(?: \w+)?|you there|do you have a (?:minute|moment|second))\W*$"
)
_REQUEST = _rule(
    r"^(?:can|could|would|will|may|might) (?:you|someone|somebody|anyone|anybody|i|we)\b|"
    r"\bplease\b"
)
_NUDGE = _rule(
    r"^(?:hello|hi|hey)\W*$|\b(?:(?:can|could|will|would|is) (?:you|someone|somebody|"
    r"anyone|anybody) (?:please |going to |ever going to )?(?:answer|reply|respond)|"
    r"did you (?:see|get|read) my (?:message|question|e-?mail|last)|"
    r"are you (?:still )?there|still there|(?:nobody|no one) (?:answering|there|here)|"
    r"are you (?:ignoring|listening))\b"
)
_WHEN = _rule(r"^(?:(?:by |so |and )?when\b|how (?:long|soon|quickly)\b|what (?:time|day|date)\b)")
_HEATED = _rule(
    r"^(?:why|who|are you|do you|don't you|is this|is that|is it|isn't|am i|should i|"
    r"shall i|so\b|what am i|what is this|how can you|how could you|how is|"
    r"where is the (?:respect|service|logic))\b"
)
"""What an angry person asks so, they do not want to know."""
_REOPENED = _rule(
    r"\b(?:not what i asked|(?:doesn't|does not|didn't|did not|don't|haven't|"
    r"hasn't) (?:really |even )?answer(?:ed)?|asked (?:you )?(?:something else|about)|"
    r"not an answer|answer (?:my|the) question|my question (?:was|is) )(?!\w)"
)
_NOT_ASKING = _rule(
    r"^(?:when (?:i|we|you|it|they|he|she|the|my) (?!(?:am|are|is|can|will|do|"
    r"does)\b.*\?)|what a\b|how (?!much|many|long|come|so|soon|far|often)\w+\W*$|"
    r"how (?:nice|lovely|great|awful|rude|kind|ridiculous|disappointing|"
    r"dare|convenient|wonderful|funny|generous)|why thank|which (?:is|was|i|means|has)\b|"
    r"who (?:is|was|has) [\w ]+ing\b.*\bme$|what (?:i|you|we|they) (?:want|need|did|mean|"
    r"said|ordered|got)\b|"
    r"where (?:i|we|you) |how (?:i|we) |why (?:i|we) |(?:do|did|does) not\b|(?:do|"
    r"did) (?:so|that|this|all|it)\b|have (?:a (?:nice|good|great)|you (?:got )?(?:no|"
    r"any idea how))|"
    r"may (?:be|you)|is (?:not|what)|would (?:be|love|like)|can (?:not|only)|will (?:do|"
    r"wait|try|check|send)|are (?:not))"
)
_WONDER = _rule(
    r"\b(?:(?:i'd|i would|we'd|we would) (?:(?:also|just|really) )?(?:like|love|"
    r"need) to know|(?:^|\bi |\bwe )(?:(?:just|also|really) )?(?:want|need) to know|"
    r"i (?:was|am)(?: just)? wondering|"
    r"(?:just |was )wondering|(?:please |can you |could you )?(?:let me know|tell me|"
    r"advise|explain|confirm) (?:if|whether|when|where|what|how|why|which|who)|"
    r"please (?:advise|explain|clarify)|"
    r"any (?:news|updates?|idea|ideas|chance|progress|word) (?:on|about|of|when|if|yet|"
    r"how|why|for|from)|(?:no idea|not sure|unclear) (?:when|if|whether|where|"
    r"which) (?:to|i|it|this|that|my|the)|"
    r"(?:my|the|one more|another) question (?:is|was)|i can't (?:tell|work out|figure out|"
    r"see) (?:if|whether|how|when|where))\b|^(?:let me know|please advise|any (?:news|"
    r"updates?|chance|idea)s?)\W*$"
)
_OFFERS_HELP = _rule(
    r"\blet me know if (?:you|there(?:'s| is)|that|anything|it (?:helps|"
    r"works))\b"
)
_TAG_ONLY = _rule(
    r"(?:^|,|\.\.\.|\s)\s*(?:right|ok(?:ay)?|huh|eh|you know|yeah|really|seriously|"
    r"you see|remember|no|innit|(?:is|was|does|did)n't it|(?:were|are)n't they|didn't you|"
    r"is it|are they|aren't you|don't you think|"
    r"get it|alright|know what i mean)\s*\?+!*$"
)
_RHETORICAL = _rule(
    r"\b(?:(?:are|r) you (?:kidding|serious|joking|for real|having a laugh|"
    r"even (?:reading|listening|human|real)|people (?:serious|even|kidding|insane)|insane|"
    r"mad|out of your|people|"
    r"all (?:asleep|mad)|taking the|sure you (?:even|people))|(?:is|was) (?:this|that|"
    r"it) (?:some kind of |supposed to be )?(?:a |an )?(?:joke|acceptable|serious|how you|"
    r"what you call|what i pay|funny|really too much|the best you)|"
    r"who (?:runs|does that|do you think|cares|even|designed|thought|on earth|"
    r"in their right mind|came up|hires|hired|knew|would have thought)|how (?:hard|"
    r"difficult) (?:can|could|is) it|how is (?:that|this|it) (?:even )?"
    r"(?:acceptable|possible|fair|ok|okay|my (?:fault|problem)|legal|helpful|supposed to)|"
    r"how (?:dare|many times (?:do|must|have|am|should) i|many more times|often do i have|"
    r"stupid|dumb|can (?:you|a company|anyone|anybody) (?:be so|mess|get|lose|treat|run|"
    r"not)|"
    r"much more (?:of this|patience|time am i)|long am i supposed|long do (?:i|"
    r"you) (?:have to|expect me))|what'?s the point|what (?:is|was) the point|what (?:do|"
    r"did) i (?:even )?pay(?: you)? for|what (?:exactly )?(?:do|did|"
    r"am) i (?:even )?paying|"
    r"what (?:kind|sort) of (?:company|service|business|joke|people|place|clown|circus|"
    r"outfit)|what the (?:hell|heck|f)|what did i (?:expect|do to deserve)|"
    r"what else is new|what could (?:possibly )?go wrong|"
    r"what (?:do|did) you expect|what more (?:do|can|could)|why (?:do|"
    r"did) i (?:even )?(?:bother|pay)|why am i (?:not surprised|even|still)|"
    r"why (?:even )?bother|why (?:is|are) (?:nobody|no one|nothing|it always|everything)|"
    r"why (?:should|would|must) i|do you (?:even|people|think (?:i|this|that)|know (?:how|"
    r"what|that)|"
    r"have any idea|expect me|ever|guys even|treat|take me)|does (?:anyone|anybody|"
    r"somebody|someone) (?:even|actually|ever|read|care)|don't you (?:people|think|have|"
    r"guys|ever|read|even|care)|can you (?:believe|imagine)|can it get|could it (?:be|"
    r"get) any|"
    r"could you be any|guess what|you know what|isn't (?:it|that) (?:great|funny|lovely|"
    r"wonderful|obvious|nice|ironic)|isn't that (?:your|the|what)|is (?:anyone|anybody|"
    r"someone|somebody) (?:even|reading|awake|alive)|is it (?:really )?too much to ask|"
    r"is that (?:too much|so hard|all you)|"
    r"is (?:this|that|it) (?:really )?so (?:hard|difficult)|since when do|who wouldn't|"
    r"and for what|then what am i|aren't you (?:supposed|ashamed|clever)|"
    r"am i (?:supposed to|talking to a|speaking to a|invisible|the only|a joke|meant to|"
    r"going mad|dreaming)|"
    r"have you (?:people |guys )?(?:no|even|lost|completely)|did (?:you|anyone|"
    r"anybody) (?:even|actually|really)|would it kill|where do i even|where have we heard|"
    r"shall i (?:hold my|draw)|should i (?:be grateful|laugh|frame|hold my|send you a|"
    r"thank)|must be nice)\b|^(?:oh |and |so )?(?:seriously|really)\W*$",
)
_DROPPED = _rule(
    r"\b(?:never ?mind|nvm|forget (?:it|about it|my question)|no worries,? (?:found|got|"
    r"figured|sorted)|(?:i )?(?:found|figured|worked|sorted) (?:it|that|the answer) out|"
    r"found it|ignore (?:that|my (?:last )?(?:question|message))|got it now|"
    r"that's all i needed|that helps|good to know|all good|all sorted|"
    r"that answers (?:it|my question)|answers my question|all clear now|makes sense)(?!\w)"
)
_STALL = _rule(
    r"\b(?:let me (?:just )?(?:check|look|see|find|have|take|pull|ask|get|read|review|"
    r"confirm|verify|think|consult|dig|open|speak|talk|quickly|go)|one (?:moment|second|"
    r"sec|minute)|just a (?:moment|second|sec|minute|mo)|bear with me|hold on|hang on|"
    r"give me a (?:moment|minute|second|sec)|"
    r"please (?:hold|wait|stand by|bear)|(?:i'm|i am|we're|we are) (?:just |currently |"
    r"still )?(?:checking|looking|searching|asking|finding|reading|reviewing|"
    r"having a look|transferring|connecting|passing|handing|forwarding)|checking (?:now|"
    r"this|that)|looking (?:now|at|into)|"
    r"(?:i'll|we'll|i will|we will|i'd|going to|need to|have to|want to|would need to|"
    r"would have to) (?:\w+ ){0,3}(?:check|look into|find out|ask|look it up|look that up|"
    r"get back|come back|investigate|confirm|verify|consult|clarify|be (?:right )?(?:back|"
    r"with)|have a look|take a look|pass|put you through|"
    r"hand you|transfer|connect|forward|escalate|speak|see (?:what|if)|let you know|"
    r"get (?:someone|somebody|a colleague|my|our|the team)|raise|read|follow up|review|"
    r"reply|answer|respond|refer|get an answer)|"
    r"(?:i|we) (?:don't|do not) (?:know|have (?:that|the|this|any) (?:information|answer|"
    r"info|details?))|not sure (?:about|off)|(?:i'm|i am) not sure|good question|"
    r"great question|fair question|interesting question|sorry,? i (?:didn't|did not|don't|"
    r"do not) (?:understand|get|catch)|"
    r"i didn't (?:understand|get|catch)|rephrase|choose (?:one|an option|from)|"
    r"please select|thanks for (?:waiting|your patience|holding|reaching|contacting|"
    r"getting|your message|writing|asking)|thank you for (?:waiting|your patience|holding|"
    r"reaching|contacting|getting|your message|writing|asking|your)|"
    r"welcome|anything else|how can (?:i|we) help|how may (?:i|we) help|(?:a|another|"
    r"my) colleague (?:will|is|from)|someone (?:will|from)|somebody will|we(?:'ve|"
    r" have) received your|your (?:request|message|case|ticket) has been (?:received|"
    r"logged|forwarded)|"
    r"will (?:get back|be in touch|respond|reply|look into|investigate|come back|answer|"
    r"contact|call|review)|out of (?:the )?office|our (?:office|opening) hours|"
    r"in the queue|queue|please (?:provide|share|confirm|send|tell|give|describe|enter|"
    r"type) (?:me |us )?(?:with )?(?:your|the (?:order|serial|account|reference|number|"
    r"date|last|full|exact)|a (?:photo|picture|screenshot)|more|what|which)|"
    r"please (?:hold|reply with|press \d)|(?:i|we)(?:'ll|'d| would| will)? (?:just |also |"
    r"first )?need (?:your|the (?:order|serial|account|last|number)|a (?:few|couple|bit)|"
    r"some)|"
    r"busy|high (?:call )?volumes?|experiencing|important to us|(?:virtual|"
    r"digital) assistant|just a bot|(?:can't|cannot|unable to|not able to) (?:help|assist|"
    r"answer|see that|tell|say)|reply with|press \d)(?!\w)"
)
_POLITE = _rule(
    r"^(?:(?:i'm|i am|we're|we are)? ?(?:so |very |really |truly |"
    r"terribly )?sorry\b(?!.*\b(?:can't|cannot|no\b|not|only|isn't|don't)\b)|(?:i|"
    r"we) (?:do |sincerely |completely |fully |really |can )?(?:apologi[sz]e|understand|"
    r"see|hear you|get (?:it|that)|appreciate|know how)|my apologies|apologies|hello|hi|"
    r"hey|"
    r"good (?:morning|afternoon|evening)|dear|thanks|thank you|sure|of course|certainly|"
    r"okay|ok|alright|got it|noted|no problem|you're welcome|have a (?:nice|great|good)|"
    r"absolutely|understood|i see|oh no|oh dear|great|perfect|glad|happy to help|kind|"
    r"best|"
    r"that(?:'s| is| must be| sounds) (?:very |really |so |quite )?(?:frustrating|"
    r"annoying|awful|unfortunate|not (?:good|great|nice)|strange|odd|terrible)|"
    r"this is \w+ (?:from|at|speaking)|my name is|i'm \w+ (?:from|and)|welcome)(?!\w)"
)
_SAYS_SO = _rule(
    r"^(?:yes|yep|yeah|no|nope|correct|exactly|unfortunately|indeed|definitely|absolutely)\b"
)
_FLAT = _rule(
    r"^(?:yes|yep|yeah|no|nope|correct|exactly|unfortunately|indeed|definitely|"
    r"absolutely)[,.!:]? (?:it|that|this|you|we (?:do|can|don't|have|are|ship|offer|"
    r"accept)|the|your|there|not|they|our)\b"
)
_GRANTS = _rule(
    r"^(?:sure|yes|yep|of course|certainly|absolutely|no problem|happy to|gladly|"
    r"definitely)(?!\w)"
)
_THANKS = _rule(
    r"^(?:(?:hi|hello|dear|hey) ?\w*[,!] )?(?:thank you|thanks|apologies|sorry|"
    r"we apologi[sz]e|i apologi[sz]e)[^,:\u2013-]{0,60}[,:\u2013-] (?=\w+(?: \S+){2})"
)
_WAVES = _rule(
    r"^(?:sure|yes|yep|yeah|no|nope|of course|certainly|absolutely|correct|exactly|indeed|"
    r"definitely|unfortunately)(?!\w)"
)


def open_question(readings: Sequence[Reading]) -> tuple[Reading, Statement] | None:
    """Of one thread in order of time: where it was asked, and the question."""
    waiting: tuple[Reading, Sentence] | None = None
    last = waiting
    for reading in readings:
        if reading.by_us and waiting is not None and _settles(reading, waiting[1]):
            waiting = None
        elif reading.by_customer:
            asked = _question(reading)
            if asked is not None and not (waiting and _nudges(asked)):
                waiting = last = (reading, asked)
            elif last is not None and _REOPENED.search(reading.plain):
                waiting = last
            elif _DROPPED.search(reading.plain):
                waiting = None
    if waiting is None:
        return None
    reading, sentence = waiting
    return reading, quote(sentence.said, reading, 0.9 if sentence.asks else 0.7)


def answered_elsewhere(question: Statement, asked: Reading, others: Sequence[Reading]) -> bool:
    """Whether somebody answered in another thread: later, and about the same."""
    about = topics(question.text)
    return any(
        reading.by_us
        and reading.message.at > asked.message.at
        and about & topics(reading.plain)
        and answers(reading)
        for reading in others
    )


def _nudges(asked: Sentence) -> bool:
    """ "Hello?" or "anybody there?" after a question is no question of its own."""
    text = _LEAD.sub("", asked.plain)
    return not text or bool(_FIRST_OF_ALL.match(text) or _NUDGE.search(text))


def _settles(reading: Reading, asked: Sentence) -> bool:
    """Whether the message answers: a request is answered by a promise too, and "is anybody there"
    by anything.
    """
    text = _LEAD.sub("", asked.plain)
    if _FIRST_OF_ALL.match(text) or answers(reading):
        return True
    if not any(True for _ in promises(reading)):
        return False
    dated = any(due(sentence.plain, reading.message.at) for sentence in reading.sentences)
    return bool(_REQUEST.search(text)) or (dated and bool(_WHEN.match(text)))


def answers(reading: Reading) -> bool:
    """Whether a message of ours says something: courtesies, asking back and asking to wait do not
    answer a question, and what the customer does not see does not either.
    """
    return not reading.message.internal and any(
        _says_something(sentence) for sentence in reading.sentences
    )


def _says_something(sentence: Sentence) -> bool:
    plain = sentence.plain
    if sentence.asks:
        return bool(_GRANTS.match(plain))
    rest = _THANKS.sub("", plain)
    if _SAYS_SO.match(rest):
        return not _STALL.search(rest) or len(rest.split()) <= 1 or bool(_FLAT.match(rest))
    if _STALL.search(rest):
        return False
    if _WAVES.match(rest) and len(rest.split()) <= 3:
        return True
    if not _POLITE.match(rest):
        return bool(rest.split())
    rest = _POLITE.sub("", rest, count=1)
    return re.search(r"[,:!-]\s*\w+(?:\s+\w+){2,}|\bbut\b", rest) is not None


def _question(reading: Reading) -> Sentence | None:
    asked: Sentence | None = None
    scoffed, heated = False, heat(reading) >= HEATED
    for sentence in reading.sentences:
        text = _LEAD.sub("", sentence.plain)
        real = _INVERTED.match(text) or _BARE_WH.match(text)
        if heated and (not real or _HEATED.match(text)):
            continue
        if _asks(sentence) and not (scoffed and not _INVERTED.match(text)):
            asked = sentence
        scoffed = bool(_RHETORICAL.search(sentence.plain)) and sentence.asks
    return asked


def _asks(sentence: Sentence) -> bool:
    plain = sentence.plain
    text = _LEAD.sub("", plain)
    if _RHETORICAL.search(plain) or not text:
        return False
    if sentence.asks:
        return not _tagged(text) and not re.fullmatch(r"\W*", text)
    if _WONDER.search(plain) and not _OFFERS_HELP.search(plain):
        return not re.search(r"\b(?:will|'ll|going to) let you\b", plain, re.IGNORECASE)
    if _NOT_ASKING.match(text):
        return False
    return bool(
        _INVERTED.match(text) or _PLAIN_ASKING.match(text) or _HUNG_ON.search(text) or _short(text)
    )


def _tagged(text: str) -> bool:
    """A statement with a "right?" behind it asks nothing that waits for an answer."""
    return bool(_TAG_ONLY.search(text)) and not (_INVERTED.match(text) or _BARE_WH.match(text))


def _short(text: str) -> bool:
    return len(text.split()) <= 9 and not text.endswith("!") and bool(_BARE_WH.match(text))
