"""Late rows of one old hour, scored as they come, against what scoring all hours again costs an hour.

A run costs something whatever it scores (reading inventory and catalogues), something for each local day that it
touches (adding the day's groups up), and something for each hour. The first two are measured by runs without hours and
over an hour without rows; the peer of the late hour is those plus an hour's share of all else that scoring everything
costs. A quarter more is allowed for finding the rows of the changed customers in the other hours of their day (own).
"""

from functools import partial
from statistics import median

from bench.pairs import Cost, arguments, close, measure, pairs, tell
from bench.session_hours import HOUR, START, SessionHours, session_hours
from cemaphore.pipeline.scoring import score
from store.connection import connect

TARGET = 1.25
_LATE_SHARE = 50  # one row in so many of an hour comes late


def main() -> int:
    """Score a base of some days, then late rows and everything in turns, and what a run costs besides."""
    asked = arguments(__doc__ or "")
    hours, per_hour, population = (8, 2_000, 4_000) if asked.small else (72, 50_000, 50_000)
    rounds = 1 if asked.small else 3
    late_hour = hours // 3
    without = late_hour + 1  # an hour without rows in the same local day
    with session_hours(per_hour, population) as base:
        base.fill(hours, without=without)
        score(base.url, base.settings, processes=1)
        numbers = iter(range(1, 100))

        def ours() -> Cost:
            _late_rows(base, next(numbers), late_hour)
            return _run(base, 1)

        again = partial(score, base.url, base.settings, start=START, end=START + hours * HOUR, processes=1)
        found = pairs(ours, lambda: measure(again, base.pid), rounds, tell)
        nothing, empty = _besides(base, without, rounds)
        merged = _rows(base)
    late, whole = (median(each[place].cpu_s for each in found) for place in (0, 1))
    share = (whole - empty) / (hours - 1)
    tell(f"CPU s: a run {nothing:.3f}, its day and inventory {empty - nothing:.3f}, an hour {share:.3f} of all and "
         f"{late - empty:.3f} late; {hours} hours {whole:.2f}, {merged:,} customers' days; late rows cost "
         f"{late / whole:.4f} of scoring all again, {1 / hours:.4f} of the hours were touched")  # fmt: skip
    detail: dict[str, object] = {
        "hours": hours,
        "rows": (hours - 1) * per_hour,
        "run_s": nothing,
        "day_s": empty - nothing,
        "hour_s": share,
        "late_s": late,
        "all_s": whole,
        "pairs": found,
    }
    unit = "times what its run, day and hour cost in scoring all again"
    return close("late_data", late / (empty + share), unit, TARGET, at_most=True, detail=detail, as_json=asked.json)


def _run(base: SessionHours, hours: int) -> Cost:
    scored = []
    cost = measure(lambda: scored.append(score(base.url, base.settings, processes=1)), base.pid)
    if scored[0].hours != hours:
        raise SystemExit(f"{scored[0].hours} hours were scored instead of {hours}")
    return cost


def _besides(base: SessionHours, empty: int, rounds: int) -> tuple[float, float]:
    """CPU seconds of a run without hours, and of one over an hour without rows."""
    nothing = median(_run(base, 0).cpu_s for _ in range(rounds))
    costs = []
    for _ in range(rounds):
        base.mark(empty, empty + 1)
        costs.append(_run(base, 1).cpu_s)
    return nothing, median(costs)


def _late_rows(base: SessionHours, number: int, hour: int) -> None:
    base.copy(hour, f"AND hashtext(session_id) % {_LATE_SHARE} = {number % _LATE_SHARE}", f"/late{number}")
    base.mark(hour, hour + 1)


def _rows(base: SessionHours) -> int:
    with connect(base.url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM cem.user_day").fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    raise SystemExit(main())
