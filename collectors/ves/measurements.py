"""Performance of VES as counters: 3GPP measurements (`perf3gpp`) and the measurements of virtual functions.

| domain | object | counter |
|---|---|---|
| perf3gpp | measuredEntityDn,measObjInstId | the measurement type as named by 3GPP or the vendor |
| measurement | sourceName, of an array's entry with `,cpuIdentifier=cpu0` | `cpuUsage.percentUsage`, `requestRate` |

Names of version 5 (`vNicPerformance`, `vnfcScalingMetric`) become those of version 7, so that one counter has one name.
"""

from dataclasses import dataclass

from collectors.problems import shown
from collectors.ves.fields import Fields, entries, is_number, listing, mapping, number, optional, string, wrong

# A job's longest granularity period is 24 h (TS 28.550); what is longer is a moment, not a length.
_LONGEST_PERIOD_S = 31 * 86_400
_NOT_MEASURED = ("measurementInterval", "measurementFieldsVersion", "measurementsForVfScalingVersion")
_NAMES = {"vNicPerformanceArray": "nicPerformance", "vnfcScalingMetric": "nfcScalingMetric"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Counters of one object and period: names with their values as text; the period ends at `end_us`."""

    object_id: str
    end_us: int
    period_s: int
    suspect: str
    names: list[str]
    texts: list[str]


def perf3gpp(fields: Fields, where: str, start_us: int, last_us: int, notes: list[str]) -> tuple[Measured, ...]:
    """Counters of a `perf3gpp` event."""
    data = mapping(fields, "measDataCollection", where)
    where = f"{where}.measDataCollection"
    end_us, period_s = _period(data, "granularityPeriod", where, start_us, last_us, notes)
    entity = string(data, "measuredEntityDn", where)
    found: list[Measured] = []
    for index, info in enumerate(entries(data, "measInfoList", where)):
        place = f"{where}.measInfoList[{index}]"
        names = _types(mapping(info, "measTypes", place), info, f"{place}.measTypes")
        for row, values in enumerate(entries(info, "measValuesList", place)):
            at = f"{place}.measValuesList[{row}]"
            measured = values.get("measObjInstId")
            if not isinstance(measured, str):
                raise wrong(f"{at}.measObjInstId", "is missing; a text is needed")
            counters, texts = _results(values, names, at)
            object_id = ",".join(part for part in (entity, measured.strip()) if part)
            found.append(
                Measured(
                    object_id=object_id,
                    end_us=end_us,
                    period_s=period_s,
                    suspect=_suspect(values.get("suspectFlag")),
                    names=counters,
                    texts=texts,
                )
            )
    return tuple(found)


def measurement(
    fields: Fields, where: str, source_name: str, start_us: int, last_us: int, notes: list[str]
) -> tuple[Measured, ...]:
    """Counters of a `measurement` event: every number under its documented name."""
    end_us, period_s = _period(fields, "measurementInterval", where, start_us, last_us, notes)
    flat, rows = _gathered(fields, "", source_name, notes)
    found = [("", "false", flat), *rows] if flat else rows
    return tuple(
        Measured(
            object_id=f"{source_name},{part}" if part else source_name,
            end_us=end_us,
            period_s=period_s,
            suspect=suspect,
            names=[name for name, _ in pairs],
            texts=[text for _, text in pairs],
        )
        for part, suspect, pairs in found
    )


_Row = tuple[str, str, list[tuple[str, str]]]


def _gathered(
    fields: Fields, prefix: str, source_name: str, notes: list[str]
) -> tuple[list[tuple[str, str]], list[_Row]]:
    """Numbers of the source itself, and of each entry of an array with the part that names it."""
    flat: list[tuple[str, str]] = []
    rows: list[_Row] = []
    for key, value in fields.items():
        name = prefix + _NAMES.get(key, key.removesuffix("Array"))
        if key in _NOT_MEASURED:
            continue
        if is_number(value):
            flat.append((name, _text(value)))
        elif key in ("additionalFields", "featureUsageArray", "additionalMeasurements"):
            flat += _named(name, value)
        elif key == "latencyDistribution":
            flat += _latencies(value)
        elif key == "additionalObjects":
            notes.append("additionalObjects are free JSON and are not read.")
        elif key == "ipmi" and isinstance(value, dict):
            inner, more = _gathered(value, f"{name}.", source_name, notes)
            flat += inner
            rows += more
        elif isinstance(value, list):
            rows += [row for entry in value if isinstance(entry, dict) for row in _entry(name, entry)]
    return flat, rows


def _entry(name: str, entry: Fields) -> list[_Row]:
    """One entry of an array: its numbers, under the identifier that tells it from its neighbours."""
    identifier = next((key for key in entry if key.endswith("Identifier")), None)
    part = f"{_lower(identifier)}={optional(entry, identifier)}" if identifier else ""
    pairs = [(f"{name}.{key}", _text(value)) for key, value in entry.items() if is_number(value)]
    return [(part, _suspect(entry.get("valuesAreSuspect")), pairs)] if pairs else []


def _lower(identifier: str) -> str:
    return "nicIdentifier" if identifier == "vNicIdentifier" else identifier


def _named(name: str, value: object) -> list[tuple[str, str]]:
    """Named numbers: a mapping from version 6 on, before a list of name and value, with or without groups."""
    if isinstance(value, dict):
        return [(f"{name}.{key}", text) for key, one in value.items() if (text := _numeric(one)) is not None]
    pairs: list[tuple[str, str]] = []
    for one in value if isinstance(value, list) else []:
        if not isinstance(one, dict):
            continue
        key = optional(one, "name") or optional(one, "featureIdentifier")
        for inner in ("hashMap", "arrayOfFields"):
            pairs += _named(f"{name}.{key}", one.get(inner))
        text = _numeric(one.get("value", one.get("featureUtilization")))
        if key and text is not None:
            pairs.append((f"{name}.{key}", text))
    return pairs


def _latencies(value: object) -> list[tuple[str, str]]:
    """Counts by latency bucket, each named by its bounds."""
    buckets = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    return [
        (
            f"latencyDistribution.{optional(one, 'lowEndOfLatencyBucket') or ''}"
            f"-{optional(one, 'highEndOfLatencyBucket') or ''}",
            _text(one["countsInTheBucket"]),
        )
        for one in buckets
        if is_number(one.get("countsInTheBucket"))
    ]


def _period(fields: Fields, name: str, where: str, start_us: int, last_us: int, notes: list[str]) -> tuple[int, int]:
    """End in microseconds and length in seconds; a length that can be none is taken from the header's times."""
    given = number(fields, name, where)
    spanned_s = round((last_us - start_us) / 1e6)
    if 1 <= given <= _LONGEST_PERIOD_S:
        period_s = round(given)
        return (last_us if spanned_s > 0 else start_us + period_s * 1_000_000), period_s
    if not 1 <= spanned_s <= _LONGEST_PERIOD_S:
        raise wrong(f"{where}.{name}", f"is {shown(given)}; a number of seconds is needed", code="period")
    notes.append(f"{name} is no number of seconds: the period is the time between start and last, {spanned_s} s.")
    return last_us, spanned_s


def _types(types: Fields, info: Fields, where: str) -> list[str]:
    """Names of counters; numbered ones are told apart by the number of their group."""
    if "iMeasTypesList" in types:
        group = info.get("measInfoId")
        prefix = optional(group, "iMeasInfoId") or optional(group, "sMeasInfoId") if isinstance(group, dict) else None
        names = [str(one) for one in listing(types, "iMeasTypesList", where)]
        return [f"{prefix}.{one}" for one in names] if prefix else names
    return [str(one).strip() for one in listing(types, "sMeasTypesList", where)]


def _results(values: Fields, names: list[str], where: str) -> tuple[list[str], list[str]]:
    """Names and values of the results of one object; the usual ones need no closer look."""
    counters: list[str] = []
    texts: list[str] = []
    count = len(names)
    for index, one in enumerate(entries(values, "measResults", where)):
        p, text = one.get("p"), one.get("sValue")
        if type(p) is int and 0 < p <= count and type(text) is str:
            counters.append(names[p - 1])
            texts.append(text)
        else:
            name, text = _result(one, names, f"{where}.measResults[{index}]")
            counters.append(name)
            texts.append(text)
    return counters, texts


def _result(result: Fields, names: list[str], where: str) -> tuple[str, str]:
    """Name and value of one result; `p` counts from 1."""
    position = result.get("p")
    if not isinstance(position, int) or isinstance(position, bool) or not 1 <= position <= len(names):
        why = f"is {shown(position)}; a position from 1 to {len(names)} is needed"
        raise wrong(f"{where}.p", why, code="position")
    for key in ("sValue", "iValue", "rValue"):
        if key in result:
            value = result[key]
            if isinstance(value, str):
                return names[position - 1], value
            if is_number(value):
                return names[position - 1], _text(value)
            raise wrong(f"{where}.{key}", f"is {shown(value)}; a number is needed", code="number")
    if str(result.get("isNull")).lower() == "true":
        return names[position - 1], "NIL"
    raise wrong(where, "has none of sValue, iValue, rValue and isNull", code="number")


def _numeric(value: object) -> str | None:
    if is_number(value):
        return _text(value)
    try:
        return value.strip() if isinstance(value, str) and abs(float(value)) < 1.7e308 else None
    except ValueError:
        return None


def _text(value: object) -> str:
    return repr(value)


def _suspect(value: object) -> str:
    return "true" if str(value).strip().lower() == "true" else "false"
