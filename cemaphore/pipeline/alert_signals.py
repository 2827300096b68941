"""What each closed window says to the rules: series against what is usual, sources, and clusters."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.absences import Present, absence_signal
from alerts.judging import Names, attribute_places, cluster_signal, drop_signals
from alerts.machine import Machine
from alerts.rules import GROUPS, INDICES, KPI, KQI, Rule, RuleBook
from alerts.signals import Signal, subject_of
from cemaphore import catalogues
from cemaphore.pipeline import alert_clusters
from cemaphore.pipeline.alert_series import MeasureSeries, Rows
from cemaphore.settings import Settings
from qoe.calendar import Calendar
from qoe.drops import collapsed, ln_alpha_of, standing
from records.windows import QUARTER
from store import alert_series
from store.connection import Connection
from store.labels import Labels

_CLUSTERS_BACK = timedelta(hours=2)  # how long after its end a cluster is looked at still


Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Watcher:
    """Gives the signals of one window after the other; with `keep` what is learned on the way is stored."""

    def __init__(
        self, connection: Connection, settings: Settings, book: RuleBook, calendar: Calendar, *, keep: bool
    ) -> None:
        self._connection, self._book, self._rate = connection, book, settings.false_alerts_per_week
        self._names = Names(labels=_LazyLabels(connection), geography=alert_clusters.geography(connection))
        self._numbers = Labels(connection)
        # Windows that rules on missing records look back, with the newest; two say that they are back.
        self._depth = max([2, *(rule.n for rule in book.of_kind("no_data"))])
        signs = _signs(settings)
        wanted: dict[str, set[str]] = defaultdict(set)
        for rule in book.rules:
            if rule.kind == "drop":
                wanted[rule.measure] |= set(rule.over)
            if rule.kind == "no_data" and set(rule.over) - {"source"}:
                wanted["overall"] |= set(rule.over) - {"source"}
        self.series = {
            measure: MeasureSeries(
                connection, measure, tuple(name for name in GROUPS if name in over), signs.get(measure, 1.0), calendar,
                keep=keep,
            )
            for measure, over in wanted.items()
        }  # fmt: skip
        self._blank: dict[str, set[datetime]] = {}
        self._sources: dict[datetime, dict[str, Present]] = {}
        self._clusters: Sequence[alert_clusters.ClusterWindows] = ()

    def restore(self, window: datetime) -> None:
        """Take up the tracks as they were kept, to go on with a window."""
        kept = alert_series.tracks(self._connection)
        for each in self.series.values():
            if each.name in kept:
                start, arrays = kept[each.name]
                each.restore(arrays, start, window)

    def save(self, window: datetime) -> None:
        """Keep the tracks: they know the windows up to this one."""
        found = {each.name: each.kept() for each in self.series.values()}
        alert_series.keep_tracks(self._connection, window, found)

    def read(self, start: datetime, end: datetime) -> None:
        """Read all that the windows of [start, end) need."""
        back = start - (self._depth - 1) * QUARTER
        for each in self.series.values():
            each.read(back, end)
        self._blank = {
            kind: alert_series.blank_sources(self._connection, [kind], start, end) for kind in ("sessions", "counters")
        }
        self._sources = defaultdict(dict)
        for name, at, records, usual, away, _ in alert_series.source_windows(self._connection, back, end):
            self._sources[at][name] = Present(records=records, usual=usual, away=away)
        if self._book.of_kind("cluster"):
            self._clusters = alert_clusters.alive(self._connection, start - _CLUSTERS_BACK, end)

    def signals(self, window: datetime, machine: Machine) -> list[Signal]:
        """The signals of one window, of what fires, is low, or has an alert."""
        found: list[Signal] = []
        rows = {
            measure: series.advance(
                window, window in self._blank["counters" if measure.startswith(KPI) else "sessions"]
            )
            for measure, series in self.series.items()
        }
        ln_alpha = ln_alpha_of(self._rate, self._tests(window))
        for rule in self._book.rules:
            if rule.kind == "drop" and (read := rows[rule.measure]) is not None:
                found += self._drops(rule, window, read, ln_alpha, machine)
            elif rule.kind == "no_data":
                found += self._absences(rule, window, machine)
            elif rule.kind == "cluster":
                found += self._of_clusters(rule, window, machine)
        return found

    def _tests(self, window: datetime) -> int:
        """How many tests share the false alerts: each series that can be judged, by each rule and horizon."""
        count = 0
        for rule in self._book.of_kind("drop"):
            usual = self.series[rule.measure].season(window)
            known = ~np.isnan(usual.level).all(axis=1) & np.isin(attribute_places(usual.value), _places(rule))
            count += int(known.sum()) * len(rule.horizon)
        return count

    def _drops(self, rule: Rule, window: datetime, rows: Rows, ln_alpha: float, machine: Machine) -> list[Signal]:
        series = self.series[rule.measure]
        stand = standing(series.track, series.season(window), series.hour(window), rule.drop, ln_alpha)
        known = {subject: row.horizon for (name, subject), row in machine.rows.items() if name == rule.name}
        counted = rule.measure in INDICES and rule.measure != "service"
        return drop_signals(
            rule,
            series.track,
            stand,
            window + QUARTER,
            self._names,
            {number: known[subject] for subject in known if (number := self._number(subject)) is not None},
            step=series.step,
            sign=series.sign,
            excess=dict(zip(rows.number.tolist(), rows.excess.tolist(), strict=True)) if counted else {},
            chosen=np.isin(attribute_places(series.track.value), _places(rule)),
        )

    def _number(self, subject: str) -> int | None:
        attribute, _, name = subject.partition("=")
        label = 0 if attribute == "all" else self._numbers.lookup(attribute, name)
        return None if label is None or attribute not in GROUPS else (GROUPS.index(attribute) << 32) + label

    def _absences(self, rule: Rule, window: datetime, machine: Machine) -> list[Signal]:
        known = machine.open_subjects(rule.name)
        found = []
        if "source" in rule.over:
            for name, present in self._sources.get(window, {}).items():
                if rule.values and name not in rule.values:
                    continue
                subject = f"source={name}"
                if present.away or subject in known:
                    seen = [self._sources[at][name] for at in self._back(window) if name in self._sources.get(at, {})]
                    about = {"source": frozenset({name})}
                    found.append(absence_signal(rule, subject, about, seen, window + QUARTER))
        if set(rule.over) - {"source"} and window not in self._blank["sessions"]:
            found += self._collapses(rule, window, known)
        return found

    def _collapses(self, rule: Rule, window: datetime, known: set[str]) -> list[Signal]:
        """Groups whose records are gone while every source is there."""
        series = self.series["overall"]
        usual = series.season(window)
        number = usual.value[np.isin(attribute_places(usual.value), _places(rule))]
        volume, expected, gone = self._volumes(rule, window, number)
        wanted = {each for subject in known if (each := self._number(subject)) is not None}
        at_all = np.flatnonzero(gone | np.isin(number, list(wanted)))
        if not len(at_all):
            return []
        past = [self._volumes(rule, at, number) for at in self._back(window)[:-1]]
        found = []
        for place in at_all.tolist():
            attribute, name = self._names.of(int(number[place]))
            if rule.values and name not in rule.values:
                continue
            seen = [
                Present(records=float(count[place]), usual=float(wont[place]), away=bool(away[place]))
                for count, wont, away in (*past, (volume, expected, gone))
            ]
            about = self._names.geography.about(attribute, name)
            found.append(absence_signal(rule, subject_of(attribute, name), about, seen, window + QUARTER))
        return found

    def _volumes(self, rule: Rule, window: datetime, number: Ints) -> tuple[Floats, Floats, Bools]:
        """Records of these series, those usual, and where they are gone."""
        series = self.series["overall"]
        rows = series.at(window)
        volume = np.zeros(len(number))
        if rows is not None and len(rows.number):
            place = np.minimum(np.searchsorted(rows.number, number), len(rows.number) - 1)
            volume = np.where(rows.number[place] == number, rows.volume[place], 0.0)
        expected = series.usual_volume(number, window)
        return volume, expected, collapsed(volume, expected, rule.margin)

    def _back(self, window: datetime) -> list[datetime]:
        return [window - back * QUARTER for back in range(self._depth - 1, -1, -1)]

    def _of_clusters(self, rule: Rule, window: datetime, machine: Machine) -> list[Signal]:
        end = window + QUARTER
        known = machine.open_subjects(rule.name)
        seen = [each for cluster in self._clusters if (each := cluster.seen(end)) is not None]
        told = known | machine.recent_subjects(rule.name)
        made = [cluster_signal(rule, each, end, self._names.geography, told) for each in seen]
        found = [each for each in made if each is not None]
        # A cluster that is there no more (its windows were looked at again) hurts nobody.
        lost = known - {f"cluster={each.cluster_id}" for each in seen}
        for subject in sorted(lost):
            last = machine.signals.get((rule.name, subject))
            if last is not None:
                found.append(replace(last, firing=False, pending=False, recovered=True))
        return found


def _places(rule: Rule) -> list[int]:
    return [GROUPS.index(name) for name in rule.over if name in GROUPS]


def _signs(settings: Settings) -> Mapping[str, float]:
    """Which way of an indicator is worse: 1 where less is."""
    found = {KQI + name: float(each.direction) for name, each in catalogues.kqis(settings).indicators.items()}
    kpis = catalogues.kpis(settings).kpis
    return {**found, **{KPI + name: 1.0 if each.direction == "higher" else -1.0 for name, each in kpis.items()}}


class _LazyLabels(dict[int, str]):
    """Names of labels, asked for one by one: only few series are ever named."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def get(self, number: int, default: str = "") -> str:  # type: ignore[override]  # of numbers to names only
        if number not in self:
            row = self._connection.execute("SELECT value FROM cem.label WHERE label_id = %s", [number]).fetchone()
            self[number] = str(row[0]) if row else default
        return self[number]
