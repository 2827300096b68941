"""Late rows of one old hour, scored as they come, against scoring all hours again.

A late row touches its hour, the group rows of its day, and the days and periods of its customers: the share of the full
cost that it costs is held against the share of the hours that it touches. Half as much again is allowed for what every
run does whatever it scores: reading inventory and catalogues, and adding the day's groups up (own).
"""

from functools import partial
from statistics import median

from bench.pairs import arguments, close, measure, pairs, tell
from bench.session_hours import HOUR, START, SessionHours, session_hours
from cemaphore.pipeline.scoring import score
from store.connection import connect

TARGET = 1.5
_LATE_SHARE = 50  # one row in so many of an hour comes late


def main() -> int:
    """Score a base of some days, then late rows and everything in turns."""
    asked = arguments(__doc__ or "")
    hours, per_hour, population = (8, 2_000, 4_000) if asked.small else (72, 50_000, 50_000)
    rounds = 1 if asked.small else 3
    with session_hours(per_hour, population) as base:
        base.fill(hours)
        score(base.url, base.settings, processes=1)
        numbers = iter(range(1, 100))

        def late() -> None:
            run = score(base.url, base.settings, processes=1)
            if run.hours != 1:
                raise SystemExit(f"{run.hours} hours were scored instead of the late one")

        def ours() -> object:
            number = next(numbers)
            _late_rows(base, number, hours // 3)
            return measure(late, base.pid)

        again = partial(score, base.url, base.settings, start=START, end=START + hours * HOUR, processes=1)
        found = pairs(ours, lambda: measure(again, base.pid), rounds, tell)  # type: ignore[arg-type]
        merged = _rows(base)
    ratio = median(mine.cpu_s / theirs.cpu_s for mine, theirs in found)
    tell(f"windows touched: 1 of {hours} hours; {merged:,} customers' days in all; "
         f"late rows cost {ratio:.4f} of scoring all again, {1 / hours:.4f} of the hours were touched")  # fmt: skip
    detail: dict[str, object] = {"hours": hours, "rows": hours * per_hour, "cost_ratio": ratio, "pairs": found}
    unit = "times the share of the hours touched"
    return close("late_data", ratio * hours, unit, TARGET, at_most=True, detail=detail, as_json=asked.json)


def _late_rows(base: SessionHours, number: int, hour: int) -> None:
    base.copy(hour, f"AND hashtext(session_id) % {_LATE_SHARE} = {number % _LATE_SHARE}", f"/late{number}")
    base.mark(hour, hour + 1)


def _rows(base: SessionHours) -> int:
    with connect(base.url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM cem.user_day").fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    raise SystemExit(main())
