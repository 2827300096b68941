"""The demo world: what it writes is what the collectors take, and what its truth file says is what the files hold."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from cemaphore.demo import FAST, Truth, TruthEntry, WorldSize, write_world
from collectors.collection import Reading
from collectors.folders import find
from collectors.options import Options
from collectors.streams import identify
from records.errors import ConfigError
from records.kinds import KINDS, SESSIONS
from store.intake import Rejected

SEED = 7
FIRST_WINDOWS = timedelta(hours=1)
ACCESS = ("rrc_fail", "radio_drop")
SERVER = ("server_5xx", "dns_timeout")
CAUSES = {"network": ACCESS, "app": SERVER, "device": ("device_crash",)}


class World:
    """A written world and its tables, read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stages: list[tuple[str, float]] = []
        self.truth: Truth = write_world(folder, FAST, SEED, lambda *stage: self.stages.append(stage))
        sessions = ds.dataset(folder / "sessions", format="parquet").to_table().to_pandas()
        cells = pd.read_csv(folder / "inventory" / "cells.csv")[["cell_id", "site_id", "band"]]
        devices = pd.read_csv(folder / "inventory" / "devices.csv", dtype={"tac": str})[["tac", "model"]]
        self.sessions = sessions.merge(cells, on="cell_id").merge(devices, on="tac")
        self.touchpoints = read(folder / "touchpoints")
        self.complaints = read(folder / "complaints")

    def during(self, entry: TruthEntry, frame: pd.DataFrame, time: str) -> pd.DataFrame:
        return frame[(frame[time] >= entry.started_at) & (frame[time] < entry.ended_at)]

    def hit(self, entry: TruthEntry) -> pd.DataFrame:
        frame, time = (self.sessions, "start_time") if entry.over == "sessions" else (self.touchpoints, "time")
        rows = self.during(entry, frame, time)
        for column, values in entry.selector.items():
            rows = rows[rows[column].isin(values)]
        return rows

    def faults(self) -> list[TruthEntry]:
        return [entry for entry in self.truth.entries if entry.severity > 0]


def batches(path: Path) -> Iterator[pa.RecordBatch | Rejected]:
    options = Options()
    for found in find([path], options):
        yield from Reading(found, identify(found.path), options, None).batches()


def read(path: Path) -> pd.DataFrame:
    good = [batch for batch in batches(path) if isinstance(batch, pa.RecordBatch)]
    frame: pd.DataFrame = pd.concat([batch.to_pandas() for batch in good], ignore_index=True)
    return frame


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("city"))


def content(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(world: World, tmp_path: Path) -> None:
    again = tmp_path / "again"
    write_world(again, FAST, SEED)
    assert content(again) == content(world.folder)
    other = write_world(tmp_path / "other", FAST, SEED + 1)
    assert [entry.severity for entry in other.entries] != [entry.severity for entry in world.truth.entries]


def test_how_many_hours_a_file_holds_changes_no_session(world: World, tmp_path: Path) -> None:
    write_world(tmp_path, replace(FAST, file_hours=1), SEED)
    hourly = sorted((tmp_path / "sessions" / "probe").iterdir())
    assert len(hourly) == FAST.hours
    daily = sorted((world.folder / "sessions" / "probe").iterdir())
    for day in (0, 8):
        parts = pa.concat_tables([pq.read_table(path) for path in hourly[day * 24 : day * 24 + 24]])
        assert parts.equals(pq.read_table(daily[day]))


@pytest.mark.parametrize("kind", ["sessions", "counters", "inventory", "complaints", "touchpoints", "surveys"])
def test_the_collectors_turn_nothing_away(world: World, kind: str) -> None:
    rows = 0
    for item in batches(world.folder / kind):
        assert not isinstance(item, Rejected), item.reason
        rows += item.num_rows
    assert rows > 0


def test_sessions_have_the_columns_of_the_contract_and_times_with_an_offset(world: World) -> None:
    schema = pq.read_schema(next((world.folder / "sessions" / "probe").iterdir()))
    assert {column.name for column in SESSIONS.columns} - set(schema.names) == {"access_node"}
    assert schema.field("start_time").type.tz == "UTC"
    filled = world.sessions.groupby("service").apply(lambda rows: int(rows.notna().any().sum()), include_groups=False)
    assert (filled >= 25).all()


def test_every_inventory_table_is_there(world: World) -> None:
    found = {name.kind for name in find([world.folder / "inventory"], Options())}
    assert found == {"cells", "devices", "subscribers", "access_nodes", "identities"}
    assert found <= set(KINDS)


def test_sessions_carry_an_imsi_and_complaints_an_msisdn_of_one_account(world: World) -> None:
    raw = pq.read_table(next((world.folder / "sessions" / "probe").iterdir()))
    assert all(len(value) == 15 and value.startswith("46000") for value in raw["subscriber_id"].to_pylist())
    identities = read(world.folder / "inventory" / "identities.csv.zst").astype(str)
    owners = dict(zip(identities["value"], identities["subscriber_id"], strict=True))
    assert len(owners) == 2 * FAST.users
    assert set(world.complaints["subscriber_id"].astype(str)) <= set(owners)
    assert {owner for value, owner in owners.items() if value.startswith("imsi")} == set(owners.values())


def test_every_user_has_sessions_every_day(world: World) -> None:
    per_day = world.sessions.groupby([world.sessions["start_time"].dt.tz_convert(FAST.zone).dt.date, "subscriber_id"])
    counts = per_day.size().unstack(fill_value=0)
    assert counts.shape == (FAST.days, FAST.users)
    # The probe outage takes up to a few of them on the tenth day.
    assert counts.iloc[:9].to_numpy().min() >= int(0.9 * FAST.sessions_per_user_day)


def test_each_fault_touches_sixty_records_in_its_first_four_windows(world: World) -> None:
    assert len(world.faults()) == 10
    for entry in world.faults():
        rows = world.hit(entry)
        time = rows["start_time" if entry.over == "sessions" else "time"]
        assert (time < entry.started_at + FIRST_WINDOWS).sum() >= 60, entry.id


def test_faults_lie_in_days_8_to_10_and_are_severe_enough_to_be_found(world: World) -> None:
    first, end = FAST.moment(7 * 24), FAST.moment(10 * 24)
    for entry in world.faults():
        assert first <= entry.started_at < entry.ended_at <= end
        assert entry.must_flag == (entry.severity >= 0.3)
    single = [entry for entry in world.faults() if len(entry.selector) == 1 and entry.must_flag]
    assert len(single) >= 6
    assert {entry.dimension for entry in world.faults()} == {"network", "app", "device", "service"}


def test_what_must_not_be_flagged_is_listed_and_did_nothing(world: World) -> None:
    decoys = [entry for entry in world.truth.entries if entry.severity == 0]
    assert len(decoys) == 6
    assert not any(entry.must_flag or entry.complaint_ids for entry in decoys)


def test_severity_is_what_the_failures_in_the_files_allow(world: World) -> None:
    """A failed session is bad, so the ratio of failed ones above the usual is a lower bound of the severity."""
    for entry in world.faults():
        if entry.over == "sessions":
            usual = 1 - world.sessions.loc[world.sessions["start_time"] < FAST.moment(7 * 24), "success"].mean()
            failed = 1 - world.hit(entry)["success"].mean()
            assert entry.severity >= 0.9 * (failed - usual) / (1 - usual) - 0.02, entry.id


def test_each_fault_adds_failures_of_its_own_dimension_only(world: World) -> None:
    calm = world.sessions[world.sessions["start_time"] < FAST.moment(7 * 24)]
    for entry in world.faults():
        if entry.over != "sessions":
            continue
        rows = world.hit(entry)
        added = {
            dimension: rows["failure_cause"].isin(causes).mean() - calm["failure_cause"].isin(causes).mean()
            for dimension, causes in CAUSES.items()
        }
        assert max(added, key=lambda name: added[name]) == entry.dimension, entry.id
        assert all(value < 0.04 for name, value in added.items() if name != entry.dimension), entry.id


def test_segments_of_other_dimensions_stay_as_they_were(world: World) -> None:
    for entry in world.faults():
        if entry.over != "sessions":
            continue
        rows = world.hit(entry)
        others = world.during(entry, world.sessions, "start_time").drop(index=rows.index)
        if "app" in entry.selector:
            others = others[others["app"].isin(entry.selector["app"])]
        for dimension, column in (("network", "rtt_client_ms"), ("app", "rtt_server_ms")):
            ratio = rows[column].median() / others[column].median()
            if dimension != entry.dimension and "server" not in entry.selector:
                assert 0.75 < ratio < 1.35, (entry.id, column)
        if entry.dimension == "app":
            assert rows["ttfb_ms"].median() > 2 * others["ttfb_ms"].median()


def test_touchpoint_faults_make_people_wait(world: World) -> None:
    for entry in world.faults():
        if entry.over == "touchpoints":
            rows = world.hit(entry)
            usual = world.touchpoints
            for column, values in entry.selector.items():
                usual = usual[usual[column].isin(values)]
            assert rows["wait_s"].median() > 2 * usual.drop(index=rows.index)["wait_s"].median()


def test_at_least_a_hundred_complaints_and_half_of_them_caused_by_faults(world: World) -> None:
    caused = [name for entry in world.truth.entries for name in entry.complaint_ids]
    written = set(world.complaints["complaint_id"])
    assert len(caused) == len(set(caused))
    assert set(caused) <= written
    assert len(written) >= 100
    assert len(caused) >= len(written) / 2


def test_complaints_come_after_their_fault_began_and_within_48_hours_of_its_end(world: World) -> None:
    created = world.complaints.drop_duplicates("complaint_id").set_index("complaint_id")["created_at"]
    for entry in world.faults():
        times = created.loc[list(entry.complaint_ids)]
        assert times.min() >= entry.started_at
        assert times.max() <= entry.ended_at + timedelta(hours=49)
    assert world.complaints["text"].str.contains("[\u4e00-\u9fff]").any()
    assert world.complaints["text"].str.contains("^[A-Za-z]").any()


def test_a_resolved_complaint_is_a_later_version_of_the_same_one(world: World) -> None:
    versions = world.complaints.sort_values("updated_at").groupby("complaint_id")
    assert versions.size().max() == 2
    twice = versions.filter(lambda rows: len(rows) == 2).groupby("complaint_id").last()
    assert twice["resolved_at"].notna().all()


def test_a_billing_wave_hides_in_no_fault(world: World) -> None:
    wave = next(entry for entry in world.truth.entries if entry.over == "complaints")
    bills = world.complaints[world.complaints["category"] == "billing"].drop_duplicates("complaint_id")
    inside = world.during(wave, bills, "created_at")
    assert len(inside) > len(bills) / 2 - 5
    caused = {name for entry in world.truth.entries for name in entry.complaint_ids}
    assert not caused & set(bills["complaint_id"])


def test_a_probe_outage_leaves_rows_out_and_makes_none_bad(world: World) -> None:
    outage = next(entry for entry in world.truth.entries if "source" in entry.selector)
    rows = world.during(outage, world.sessions, "start_time")
    assert set(rows["source"]) == {"probe-1"}
    assert len(rows) > 100
    assert rows["success"].mean() > 0.95


def test_the_always_poor_model_and_the_edge_are_poor_all_the_time(world: World) -> None:
    calm = world.sessions[world.sessions["start_time"] < FAST.moment(7 * 24)]
    for entry in world.truth.entries:
        if entry.id in ("N01-poor-model", "N02-edge-cells"):
            column, values = next(iter(entry.selector.items()))
            mine = calm[calm[column].isin(values)]
            rest = calm.drop(index=mine.index)
            slow = (mine["page_load_ms"] > 2_000).mean() / (rest["page_load_ms"] > 2_000).mean()
            assert slow > 2, entry.id


def test_busy_hours_and_weekends_load_the_cells(world: World) -> None:
    local = world.sessions["start_time"].dt.tz_convert(FAST.zone)
    per_day = local.dt.day_of_week.value_counts() / local.dt.date.groupby(local.dt.day_of_week).nunique()
    assert per_day[[5, 6]].min() > per_day[[0, 1, 2, 3, 4]].max()
    calm = world.sessions["start_time"] < FAST.moment(7 * 24)
    busy, quiet = local.dt.hour.isin([20, 21]), local.dt.hour.isin([2, 3, 4])
    rate = world.sessions["throughput_dl_kbps"]
    assert rate[calm & busy].median() < 0.8 * rate[calm & quiet].median()


def test_counters_agree_with_the_faults(world: World) -> None:
    counters = read(world.folder / "counters").astype({"object_id": str, "counter": str})
    wide = counters.pivot_table(index=["time", "object_id"], columns="counter", values="value").reset_index()
    event = next(entry for entry in world.truth.entries if entry.domain == "ran_capacity" and entry.severity > 0)
    hit = wide["object_id"].str.contains(f"={event.selector['site_id'][0]}-")
    inside = (wide["time"] > event.started_at) & (wide["time"] <= event.ended_at)
    sums = wide[["RRC.ConnEstabAtt", "RRC.ConnEstabSucc"]]
    ratio = {flag: sums[hit & (inside == flag)].sum() for flag in (True, False)}
    assert ratio[True]["RRC.ConnEstabSucc"] < 0.9 * ratio[True]["RRC.ConnEstabAtt"]
    assert ratio[False]["RRC.ConnEstabSucc"] > 0.97 * ratio[False]["RRC.ConnEstabAtt"]
    assert (sums["RRC.ConnEstabSucc"] <= sums["RRC.ConnEstabAtt"]).all()
    cells = pd.read_csv(world.folder / "inventory" / "cells.csv")
    assert set(wide["object_id"]) == set(cells["object_id"])


def test_the_truth_file_says_what_was_returned(world: World) -> None:
    rows = json.loads((world.folder / "truth.json").read_text(encoding="utf-8"))
    fields = ["id", "domain", "dimension", "over", "selector", "started_at", "ended_at", "severity", "must_flag"]
    assert [list(row) for row in rows] == [[*fields, "complaint_ids"]] * len(world.truth.entries)
    assert [row["id"] for row in rows] == [entry.id for entry in world.truth.entries]
    assert all(row["started_at"].endswith("+08:00") for row in rows)


def test_progress_rises_to_one_and_no_hidden_file_stays(world: World) -> None:
    fractions = [fraction for _, fraction in world.stages]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert not [path for path in world.folder.rglob(".*") if path.is_file()]


def test_a_world_too_small_for_its_faults_is_refused() -> None:
    with pytest.raises(ConfigError, match="sites is 3"):
        WorldSize(sites=3)
    with pytest.raises(ConfigError, match="Monday"):
        WorldSize(start=FAST.start + timedelta(days=1))


def test_a_world_may_live_in_another_zone(tmp_path: Path) -> None:
    small = replace(FAST, users=200, sessions_per_user_day=2.0, zone="UTC")
    truth = write_world(tmp_path, small, SEED)
    assert truth.entries[0].started_at.utcoffset() == timedelta(0)
    assert np.isfinite([entry.severity for entry in truth.entries]).all()


def test_people_beyond_one_block_have_sessions_of_their_own(tmp_path: Path) -> None:
    many = replace(FAST, users=50_400, sessions_per_user_day=0.1, touchpoints_per_user_day=0.01, billing_wave=0.0)
    truth = write_world(tmp_path, many, SEED)
    sessions = ds.dataset(tmp_path / "sessions", format="parquet").to_table(columns=["session_id", "subscriber_id"])
    assert sessions.num_rows == truth.sessions == len(sessions["session_id"].unique())
    imsi = pq.read_table(next((tmp_path / "sessions" / "probe").iterdir()))["subscriber_id"].unique()
    assert len(imsi) > 2_500
