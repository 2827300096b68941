"""Joint effects day by day: sums that forget, estimates, verdicts, and one customer's share of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, triu

from cemaphore.pipeline.frame import SessionFrame
from qoe.blame import DOMAINS, parts_for, parts_of, verdicts
from qoe.calendar import SATURDAY, Calendar
from qoe.codes import dense
from qoe.effects import QUALITY, VERSION, Clustering, Effects, clustering_of, joint_effects
from qoe.normal import CAUSES, FACTORS, OUTCOMES, Normal, normal_of
from store import effects as stored
from store.connection import Connection

Array = NDArray[Any]

# What a customer's levels do is known from others' sessions: fewer of its own tell where it usually is (own).
LEAST_CUSTOMER_SESSIONS = 30.0


@dataclass(kw_only=True)
class Seen:
    """The rated sessions of a day, as far as effects need them: some 60 bytes each."""

    levels: dict[str, list[Array]] = field(default_factory=lambda: {name: [] for name in FACTORS})
    outcomes: list[Array] = field(default_factory=list)
    customers: list[Array] = field(default_factory=list)

    def add(self, frame: SessionFrame, calendar: Calendar) -> None:
        """Add the rated sessions of a frame."""
        rated = np.flatnonzero(~np.isnan(frame.q))
        weekday, hour = calendar.hours(frame.start_us[rated])
        codes = {name: frame.attributes[name][rated] for name in FACTORS if name != "hour"}
        codes["hour"] = ((weekday >= SATURDAY) * 24 + hour + 1).astype(np.int32)
        for name, values in codes.items():
            self.levels[name].append(values)
        failed = (frame.columns["success"][rated] == 0) | (frame.columns["dropped"][rated] == 1)
        self.outcomes.append(np.column_stack([frame.q[rated], 100.0 * failed]))
        self.customers.append(frame.customer_key[rated])

    def whole(self) -> tuple[dict[str, Array], Array, Array]:
        """Levels by factor, outcomes (sessions, outcomes) and customers of all that was added."""
        levels = {name: np.concatenate(parts).astype(np.int64) for name, parts in self.levels.items()}
        return levels, np.concatenate(self.outcomes), np.concatenate(self.customers)


def teach(connection: Connection, day: date, seen: Seen, kept: float) -> None:
    """Let the sums forget to `kept`, add the sessions of a day, and store effects and verdicts by that day."""
    if not any(map(len, seen.outcomes)):
        return
    levels, outcomes, customers = seen.whole()
    sums, known = _summed(connection, normal_of(levels, outcomes), kept)
    # How alike sessions of a customer are is known from the days before; the first day has to look at itself.
    made = estimates(sums, known)
    alike = clustering_of(levels, outcomes, customers, sums, made)
    if known is None:
        made = estimates(sums, alike)
    clustering = alike if known is None else known.plus(alike, kept)
    stored.keep_state(connection, day + timedelta(days=1), _columns(sums, clustering))
    users = {name: _users(levels[name], customers) for name in CAUSES}
    stored.replace_day(connection, "effect", day, _effect_columns(made, users))
    stored.replace_day(connection, "effect_verdict", day, _verdict_columns(sums, made[QUALITY], users))


def _summed(connection: Connection, fresh: Normal, kept: float) -> tuple[Normal, Clustering | None]:
    """The sums with those of a day, and how alike sessions were before it; what they are made of is let go of."""
    state = stored.read_state(connection)
    if state is None:
        return fresh, None
    old, known = _state(state)
    return old.plus(fresh, kept), known


def estimates(sums: Normal, clustering: Clustering | None) -> tuple[Effects, ...]:
    """Effects on every outcome."""
    wide = None if clustering is None else clustering.design_effect()
    return tuple(
        joint_effects(sums, outcome, None if wide is None else wide[:, outcome]) for outcome in range(len(OUTCOMES))
    )


def customer_parts(connection: Connection, customer_key: int, start: datetime, end: datetime) -> dict[str, Any] | None:
    """Return what each domain adds to one customer's sessions of [start, end), by the newest effects, and the verdict.

    None where no effects are known. Domains in points; `se` likewise; `sessions` is how many were there.
    """
    day = stored.newest_day(connection)
    if day is None:
        return None
    found = stored.level_effects(connection, day, OUTCOMES[QUALITY])
    attribute = np.array([CAUSES.index(name) for name in found["attribute"]])
    spread = [
        float(np.std(found["shrunk"][attribute == cause])) if (attribute == cause).any() else 0.0
        for cause in range(len(CAUSES))
    ]
    numbers = {name: found[name].astype(np.float64) for name in ("n", "effect", "se", "shrunk", "shrunk_se")}
    known = Effects(attribute=attribute, value=found["value"], prior=np.array(spread), **numbers)
    parts = parts_for(stored.exposure(connection, customer_key, start, end), known)
    judged = verdicts(parts, LEAST_CUSTOMER_SESSIONS)
    return {
        "day": day,
        "sessions": int(parts.n[0]),
        "verdict": str(judged.verdict[0]),
        "not_network": bool(judged.not_network[0]),
        "points": dict(zip(DOMAINS, parts.part[0].tolist(), strict=True)),
        "se": dict(zip(DOMAINS, parts.se[0].tolist(), strict=True)),
    }


def _users(values: Array, customers: Array) -> Mapping[int, int]:
    """Customers of each value."""
    known, code = dense(values)
    _, person = dense(customers)
    pairs = np.unique(code * (int(person.max(initial=0)) + 1) + person) // (int(person.max(initial=0)) + 1)
    found, count = known, np.bincount(pairs, minlength=len(known))
    return dict(zip(found.tolist(), count.tolist(), strict=True))


def _effect_columns(made: tuple[Effects, ...], users: Mapping[str, Mapping[int, int]]) -> dict[str, Any]:
    parts = []
    for outcome, effects in zip(OUTCOMES, made, strict=True):
        names = [CAUSES[cause] for cause in effects.attribute]
        numbers = {name: getattr(effects, name) for name in ("n", "effect", "se", "shrunk", "shrunk_se")}
        seen = [users[name].get(value, 0) for name, value in zip(names, effects.value.tolist(), strict=True)]
        parts.append(
            {
                "outcome": np.full(len(names), outcome),
                "attribute": np.array(names),
                "value": effects.value,
                "users": np.array(seen),
                **numbers,
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} | {"version": VERSION}


def _verdict_columns(sums: Normal, effects: Effects, users: Mapping[str, Mapping[int, int]]) -> dict[str, Any]:
    parts = []
    for name in CAUSES:
        found = parts_of(sums, effects, name)
        judged = verdicts(found)
        parts.append(
            {
                "attribute": np.full(len(found.n), name),
                "value": found.value,
                "n": found.n,
                "users": np.array([users[name].get(value, 0) for value in found.value.tolist()]),
                "verdict": judged.verdict,
                "not_network": judged.not_network,
                **{domain: found.part[:, place] for place, domain in enumerate(DOMAINS)},
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} | {"version": VERSION}


def _state(state: Mapping[str, Array]) -> tuple[Normal, Clustering]:
    size, outcomes, causes = len(state["keys"]), len(OUTCOMES), len(CAUSES)
    upper = csr_array((state["sessions"].astype(np.float64), (state["first"], state["second"])), shape=(size, size))
    totals, alike = state["totals"].reshape(2, outcomes), state["clustering"]
    cut = causes * outcomes
    sums = Normal(
        key=state["keys"].astype(np.int64),
        cross=csr_array(upper + triu(upper, 1).T),
        product=state["product"].reshape(size, outcomes),
        n=float(state["n"]),
        total=totals[0],
        square=totals[1],
    )
    clustering = Clustering(
        pairs=alike[:cut].reshape(causes, outcomes),
        single=alike[cut : 2 * cut].reshape(causes, outcomes),
        crowd=alike[2 * cut : 2 * cut + causes],
        n=alike[2 * cut + causes :],
        days=float(state["days"]),
    )
    return sums, clustering


def _columns(sums: Normal, clustering: Clustering) -> dict[str, Array]:
    entries = coo_array(triu(sums.cross))
    first, second = entries.coords
    alike = (clustering.pairs.ravel(), clustering.single.ravel(), clustering.crowd, clustering.n)
    return {
        "keys": sums.key,
        "product": sums.product.ravel(),
        "totals": np.concatenate([sums.total, sums.square]),
        "clustering": np.concatenate(alike),
        "n": np.array(sums.n),
        "days": np.array(clustering.days),
        "first": first,
        "second": second,
        "sessions": entries.data,
    }
