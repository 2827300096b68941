"""Names of PM files (TS 32.432): the time that one says its file is about, held against what the file says."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from collectors.raw import Notes

_NAME = re.compile(
    r"^(?P<type>[ABCD])(?P<date>\d{8})\.(?P<begin>\d{4})(?P<begin_offset>[+_-]\d{4})?"
    r"-(?:(?P<end_date>\d{8})\.)?(?P<end>\d{4})(?P<end_offset>[+_-]\d{4})?(?=$|[_.-])"
)


_MINUTE = timedelta(minutes=1)  # names have no seconds


@dataclass(frozen=True, kw_only=True)
class FileName:
    """What a name says: A and B one granularity period, C and D several; A and C one element, B and D many."""

    type: str
    begin: datetime
    end: datetime


def parse(name: str) -> FileName | None:
    """Read a name such as `A20000626.2315+0200-2330+0200_NodeBId.xml`; None where it is none, or without offsets."""
    found = _NAME.match(name)
    if found is None or found["begin_offset"] is None:
        return None
    try:
        begin = _moment(found["date"], found["begin"], found["begin_offset"])
        end = _moment(found["end_date"] or found["date"], found["end"], found["end_offset"] or found["begin_offset"])
    except ValueError:
        return None
    if end <= begin and found["end_date"] is None:
        end += timedelta(days=1)
    return FileName(type=found["type"], begin=begin, end=end)


class NameCheck:
    """Warns once where a period lies outside the time that the file's name gives; the content is what is stored."""

    def __init__(self, name: str, notes: Notes) -> None:
        self._name = parse(name)
        self._notes = notes
        self._seen: set[tuple[str, int | None]] = set()
        self._warned = False

    def see(self, end: str, period_s: int | None) -> None:
        """Look at one granularity period."""
        if self._name is None or self._warned or (end, period_s) in self._seen or len(self._seen) > 1000:
            return
        self._seen.add((end, period_s))
        try:
            moment = datetime.fromisoformat(end.strip())
        except ValueError:
            return
        if moment.tzinfo is None:
            return
        begin = moment - timedelta(seconds=period_s or 0)
        if moment > self._name.end + _MINUTE or begin < self._name.begin - _MINUTE:
            self._warned = True
            said = f"{self._name.begin:%Y-%m-%dT%H:%MZ} to {self._name.end:%Y-%m-%dT%H:%MZ}"
            self._notes.warn(
                f"its name says {said}, but a period in it ends at {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}: "
                "the content is believed."
            )


def _moment(date: str, time: str, offset: str) -> datetime:
    """`_` stands for `+` where a file system or a tool did not take it."""
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
    return datetime.strptime(date + time, "%Y%m%d%H%M").replace(tzinfo=zone).astimezone(UTC)
