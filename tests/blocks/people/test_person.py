"""When a person works: reminders wait for it."""

from datetime import UTC, date, datetime, time

import pytest
from pydantic import ValidationError

from blocks.people.person import Person, WorkingHours
from tests.blocks.people.directories import person

WEEK = WorkingHours()


def at(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("who", "asked", "works"),
    [
        (person("any"), at(28, 3), at(28, 3)),
        (person("office", working=WEEK), at(25, 12), at(25, 12)),
        (person("early", working=WEEK), at(25, 6), at(25, 9)),
        (person("evening", working=WEEK), at(25, 17), at(26, 9)),
        (person("saturday", working=WEEK), at(28, 12), at(30, 9)),
        # Summer time ended on 25 October: 9 in Berlin was 7 and is 8 in UTC.
        (person("berlin", working=WEEK, time_zone="Europe/Berlin"), at(23, 20, month=10), at(26, 8, month=10)),
        (person("leave", working=WEEK, days_off=(date(2026, 11, 25), date(2026, 11, 26))), at(25, 12), at(27, 9)),
        # Christmas and Boxing Day are a Friday and a Saturday.
        (person("holidays", working=WEEK, country="DE"), at(25, 10, month=12), at(28, 9, month=12)),
        (person("off", days_off=(date(2026, 11, 25),)), at(25, 12), at(26, 0)),
        (person("sundays", working=WorkingHours(days=("sun",))), at(25, 12), at(29, 9)),
    ],
    ids=lambda value: value.name if isinstance(value, Person) else "",
)
def test_a_person_s_next_working_moment(who: Person, asked: datetime, works: datetime) -> None:
    assert who.works_from(asked) == works


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": ""}, "at least 1 character"),
        ({"email": "no address"}, "should match pattern"),
        ({"slack": "#general"}, "should match pattern"),
        ({"time_zone": "Berlin"}, "there is no time zone 'Berlin'"),
        ({"country": "XX"}, "no public holidays are known of 'XX'"),
        ({"working": {"from": time(17), "until": time(9)}}, "end after they begin"),
        ({"notify": ["teams"]}, "should match pattern"),
        ({"phone": "1"}, "Extra inputs"),
    ],
)
def test_a_wrong_person_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        person("alice", **settings) if "name" not in settings else Person.model_validate(settings)
