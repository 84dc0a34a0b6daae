"""What a summary of each kind asks for: sections, the words that mark them, the question for a model that can write.

A section without cues takes the most central sentences of the whole document.
Cues only choose among sentences that stand there; nothing is inferred from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from longdoc.errors import UserError


def _any(spelled: str) -> str:
    """Return an expression for any of the words or phrases, separated by "/"; "*" stands for any ending."""
    return (
        r"\b(?:"
        + "|".join(word.strip().replace("*", r"\w*").replace(" ", r"\s+") for word in spelled.split("/"))
        + r")\b"
    )


_MONTHS = "january/february/march/april/may/june/july/august/september/october/november/december"
_DAYS = "monday/tuesday/wednesday/thursday/friday/saturday/sunday/tomorrow/next week/next month/end of the month"
_DATE = "|".join(
    (
        _any(_MONTHS) + r"\s+\d",
        r"\d\s+" + _any(_MONTHS),
        _any(_DAYS),
        r"\b\d{4}-\d\d-\d\d\b",
        r"\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b",
    )
)
_AMOUNT = r"[€$£]\s?\d|\d\s?%|\d\s" + _any("euro*/dollar*/pound*/percent/per cent/eur/usd/gbp")
_SPAN_OF_TIME = r"\b(?:\d+|one|two|three|six|nine|twelve|thirty|sixty|ninety)\)?\s" + _any("day*/week*/month*/year*")
_PARTIES = _any(
    "landlord/tenant/lessor/lessee/seller/buyer/supplier/customer/client/contractor/employer/employee/guarantor/"
    "licensor/licensee/lender/borrower"
)
_QUESTION = r"\?\s*$"
_UNANSWERED = (
    r"\b(?:do not|don't|does not|doesn't|did not|didn't)\s+know|\bno\s+idea\b|\bnobody\s+knows\b|"
    r"\bnot\s+(?:sure|decided|clear|certain|yet)\b|\b(?:has|have)(?:\s+not|n't)\s+(?:answered|decided|said)|"
    r"\b(?:leave|keep)\s+(?:it|that|this)\s+open\b"
)


_DOES = (
    r"(?:(?:also|then|still|now|just)\s+)?(?!(?:not|she|he|it|they|we|you|the|be|have|see|think|say|know|float|work)\b)"
    r"[a-z]{3,}"
)


@dataclass(frozen=True)
class SectionForm:
    """One section of a template."""

    title: str
    question: str  # for models that write
    needs: tuple[str, ...] = ()  # expressions, case ignored; a sentence of the section holds at least one
    prefers: tuple[str, ...] = ()  # each one more that it holds speaks for it
    never: str = r"(?!)"  # a sentence that holds this does not belong here
    followed: tuple[str, str] | None = None  # (cue, cue of the next sentence) that together belong here as well
    most: int = 5  # items
    tasks: bool = False  # each item has an owner and a due date

    def score(self, sentence: str, following: str = "") -> float:
        """Return how well a sentence fits, 0 if it does not belong here; 1 where nothing is needed.

        `following` is the next sentence, "" at the end.
        """
        held = sum(bool(re.search(cue, sentence, re.IGNORECASE)) for cue in self.needs)
        if self.followed and re.search(self.followed[0], sentence, re.IGNORECASE):
            held += not following or bool(re.search(self.followed[1], following, re.IGNORECASE))
        if (self.needs and not held) or re.search(self.never, sentence, re.IGNORECASE):
            return 0.0
        return 1.0 + sum(bool(re.search(cue, sentence, re.IGNORECASE)) for cue in self.prefers)


OVERVIEW = SectionForm("Overview", "What is this document about? Give its main points.", most=4)

GENERAL = (
    OVERVIEW,
    SectionForm(
        "Findings and conclusions",
        "What does the document find, conclude or decide?",
        needs=(_any("conclu*/finding*/result*/show*/found/therefore/in short/in sum/decided/agreed"),),
    ),
    SectionForm(
        "Figures and dates",
        "Which figures, amounts and dates does the document give?",
        needs=(_DATE, _AMOUNT, r"\b\d{4}\b"),
        prefers=(_DATE, _AMOUNT),
    ),
    SectionForm(
        "Open questions",
        "Which questions does the document leave open?",
        needs=(_QUESTION, _any("unclear/unknown/open question*/to be decided/to be determined/to be agreed")),
    ),
)

MEETING = (
    SectionForm(
        "Overview",
        "What is this meeting about? Give its main points.",
        prefers=(_any("meeting/agenda/points on/today/first point/next point/last point/talk about/discuss*"),),
        never=rf"{_QUESTION}|\b(?:write|note|put)\s+(?:that|this|it)\s+down\b",
        most=4,
    ),
    SectionForm(
        "Decisions",
        "Which decisions were made?",
        needs=(
            _any("decide*/decision*/we agree*/agreed to/agreed on/approve*/settled/resolved"),
            _any("let's go with/we will go with/we'll go with"),
        ),
        prefers=(_any("we have decided/we decided/is decided/decision/agreed/approved"), _AMOUNT, _DATE),
        never=rf"{_QUESTION}|\b(?:write|note|put)\s+(?:that|this|it)\s+down\b|{_UNANSWERED}",
    ),
    SectionForm(
        "Action items",
        "Which tasks were given out? For each, name the owner, the task and the due date.",
        needs=(
            rf"\b(?:i|we|you|he|she|they)(?:\s+(?:will|shall|must)|'ll|’ll|\s+(?:am|are|is)\s+going\s+to|"
            rf"\s+(?:needs?|has|have)\s+to)\s+{_DOES}",
            rf"\b(?-i:[A-Z][a-z]+(?:\s+[A-Z][a-z]+)?)\s+(?:will|shall|must|is\s+going\s+to|needs\s+to|has\s+to)\s+{_DOES}",
            rf"\b(?:can|could)\s+you\s+(?:please\s+)?{_DOES}|\bplease\s+{_DOES}",
            rf"\b(?:i|we)\s.*\bby\s+(?:the\s+)?(?:{_DATE})",
            _any("action item*/to-do/todo"),
        ),
        prefers=(_DATE, rf"\bby\s+(?:the\s+)?(?:{_DATE}|end\b|noon\b)", rf"\bby\s+(?:the\s+)?(?:{_DATE})"),
        never=rf"\b(?:write|note|put)\s+(?:that|this|it)\s+down\b|{_UNANSWERED}",
        tasks=True,
    ),
    SectionForm(
        "Open questions",
        "Which questions stayed open?",
        needs=(
            _any("open question*/open point*/remains open/stays open/still open/to be confirmed/to be decided"),
            _UNANSWERED,
        ),
        prefers=(_QUESTION, _any("remains open/stays open/still open/open question*")),
        followed=(_QUESTION, _UNANSWERED),
    ),
)

CONTRACT = (
    SectionForm(
        "Parties and subject",
        "Who are the parties and what is the contract about?",
        needs=(
            rf"\bbetween\b.+{_PARTIES}",
            rf"\((?:the\s+)?\W?{_PARTIES}\W?\)",
            _any("hereinafter/called the/referred to as/on the one part/acting for/represented by"),
            _any("this agreement is/this contract is/this lease is/subject of this"),
            rf"^\W*(?:the\s+)?{_PARTIES}\s*(?:[.:,]|is\b)",
        ),
        prefers=(
            _any("made between/made on/registered/hereinafter/called the"),
            rf"\((?:the\s+)?\W?{_PARTIES}\W?\)",
            rf"^\W*(?:the\s+)?{_PARTIES}\s*[.:]",
        ),
    ),
    SectionForm(
        "Term and notice",
        "How long does it run and how can it be ended?",
        needs=(_any("notice/terminat*/expir*/renew*/duration/term of/commenc*/begins/ends"),),
        prefers=(_SPAN_OF_TIME, _DATE, _any("notice/terminat*")),
    ),
    SectionForm(
        "Payments",
        "What must be paid, by whom and when?",
        needs=(_any("rent/fee*/price*/pay*/deposit/interest/charge*/cost*/invoice*"),),
        prefers=(_AMOUNT, r"\d", _any("pay*/due")),
    ),
    SectionForm(
        "Duties and liability",
        "Which duties, liabilities and warranties are agreed?",
        needs=(
            _any("shall/must/is obliged/undertake*/responsible/liab*/warrant*/indemnif*/insur*/may not/prohibited"),
        ),
        prefers=(_any("liab*/warrant*/indemnif*/insur*/responsible"),),
    ),
    SectionForm(
        "Changes and amendments",
        "What changes or amends earlier terms?",
        needs=(_any("amend*/replaced/supersede*/in place of/instead of/is changed/no longer/addendum"),),
        prefers=(_any("clause*/section*/article*"), _SPAN_OF_TIME, _AMOUNT),
    ),
)

CODEBASE = (
    SectionForm(
        "Purpose",
        "What does this code do?",
        needs=(r"\"\"\"|'''|^\s*(?:#|//|/?\*)\s*\w",),
        prefers=(_any("this module/this package/this file/provide*/implement*"), r"\"\"\"|'''"),
    ),
    SectionForm(
        "Entry points",
        "Where does it start and what does it offer?",
        needs=(
            r"__main__|argparse|click\.|@app\.|app\.(?:get|post|route)|addEventListener|createServer",
            r"\b(?:def|func|int|function|fn) main\b",
        ),
    ),
    SectionForm(
        "Main definitions",
        "Which classes and functions matter most?",
        needs=(r"^\s*(?:export\s+)?(?:async\s+)?(?:def|class|func|fn|function|interface|struct|trait|enum|type)\s+\w",),
        most=8,
    ),
    SectionForm(
        "Dependencies",
        "What does it depend on?",
        needs=(r"^\s*(?:import|from|require|use|#include|using)\b",),
        most=6,
    ),
    SectionForm(
        "Open work",
        "What is marked as unfinished?",
        needs=(r"\b(?:TODO|FIXME|XXX|HACK|NotImplemented)|not implemented",),
    ),
)

TEMPLATES: dict[str, tuple[SectionForm, ...]] = {
    "general": GENERAL,
    "meeting": MEETING,
    "contract": CONTRACT,
    "codebase": CODEBASE,
}


def template(name: str) -> tuple[SectionForm, ...]:
    """Return a template's sections. Raises UserError that names those there are."""
    if name not in TEMPLATES:
        raise UserError(f"There is no template {name!r}.", next_step=f"Choose one of {', '.join(TEMPLATES)}.")
    return TEMPLATES[name]
