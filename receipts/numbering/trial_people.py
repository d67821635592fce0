"""Trial people: numbers of any country that stand in for customers of a province."""

import re
from collections.abc import Collection, Iterator

from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn

#: The source of a trial person's province, beside prefix, record and the others.
TRIAL = "trial"

#: More numbers than a trial has people.
MAX_TRIAL_PEOPLE = 200

EXAMPLE = "Example: +14155550100=CN-GD,+447700900123=CN-ZJ"

_PROVINCE = re.compile(r"CN-[A-Z]{2}")


def read_trial_people(text: str, ours: Collection[str], problems: list[str]) -> dict[Msisdn, str]:
    """Province codes by number, from ``NUMBER=PROVINCE`` entries with commas between.

    ``ours`` are numbers of the service. Each wrong entry adds a sentence to ``problems``; a number
    stands in it masked.
    """
    people: dict[Msisdn, str] = {}
    own = {parse_msisdn(each) or each for each in ours}
    for position, (raw, code) in enumerate(_entries(text), start=1):
        number = parse_msisdn(raw) if raw.startswith("+") else None
        named = f"entry {position}" + (f" ({number.masked})" if number else "")
        if number is None:
            problem = "is no number in E.164: a plus sign, the country code, 8 to 15 digits"
        elif not _PROVINCE.fullmatch(code):
            problem = "names no province code such as CN-GD"
        elif number in own:
            problem = "is a number of this service"
        elif number in people:
            problem = "names a number for the second time"
        else:
            people[number] = code
            continue
        problems.append(f"TRIAL_PEOPLE: {named} {problem}. {EXAMPLE}")
    if len(people) > MAX_TRIAL_PEOPLE:
        problems.append(f"TRIAL_PEOPLE has {len(people)} numbers; the most is {MAX_TRIAL_PEOPLE}")
    return people


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for entry in filter(None, map(str.strip, text.split(","))):
        number, _, code = entry.partition("=")
        yield number.strip(), code.strip().upper()
