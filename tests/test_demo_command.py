"""The README's commands, as a newcomer types them, in a home of their own: the demo, then every command that looks."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cemaphore.catalogues import packaged
from tests.receiving import hook

CEM = Path(sys.executable).with_name("cem")
ALL = ["--from", "2026-03-01T00:00:00Z", "--to", "2026-04-01T00:00:00Z"]
INDEX_COLUMNS = [
    *("subscriber_key", "start", "end", "network", "device", "app", "service", "overall", "lo", "hi", "limiting", "n"),
    *("coverage", "model_version", "catalogue_version", "baseline_id"),
]


class Home:
    """A CEMAPHORE_HOME and the commands run in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CEMAPHORE_")}
        self.environment = {**kept, "CEMAPHORE_HOME": str(path)}

    def run(self, *arguments: str, code: int = 0, given: str | None = None) -> str:
        """Run `cem` and return what it printed; the exit code must be `code`."""
        done = subprocess.run(
            [CEM, *arguments], env=self.environment, capture_output=True, text=True, check=False, input=given
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Run `cem ... --json` and return what it printed."""
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home in which the small demo ran."""
    made = Home(tmp_path_factory.mktemp("demo") / "home")
    first = made.json("demo", "--fast", "--no-serve")
    assert first["stored"] > 100_000
    assert first["clusters"] >= 5
    try:
        yield made
    finally:
        made.run("db", "stop")


@pytest.fixture
def receiver(home: Home) -> Iterator[str]:
    """Name of a web hook that alerts of this home are posted to."""
    with hook() as served:
        home.environment["CEMAPHORE_WEBHOOK_URLS"] = served.url
        yield str(home.json("alerts", "channels")[0]["name"])
        del home.environment["CEMAPHORE_WEBHOOK_URLS"]


def test_a_second_demo_loses_nothing_and_adds_nothing(home: Home) -> None:
    before = home.json("status")
    again = home.json("demo", "--fast", "--no-serve")
    assert again["stored"] == 0
    after = home.json("status")
    assert [row["rows_stored"] for row in before["sources"]] == [row["rows_stored"] for row in after["sources"]]
    assert after["windows_waiting"] == 0


def test_another_world_needs_another_home(home: Home) -> None:
    home.run("demo", "--fast", "--no-serve", "--seed", "2", code=4)


def test_clusters_name_their_complaints(home: Home) -> None:
    found = home.json("clusters", *ALL)
    wanted = {
        *(
            "id",
            "over",
            "dimension",
            "domain",
            "selector",
            "started_at",
            "detected_at",
            "ended_at",
            "users",
            "sessions",
        ),
        *("bad_ratio", "expected_ratio", "p_value", "q_value", "severity", "evidence", "complaints", "silent_users"),
        "recommendation",
    }
    assert all(wanted <= set(cluster) for cluster in found)
    explained = max(found, key=lambda cluster: len(cluster["complaints"]))
    one = home.json("cluster", explained["id"])
    assert one["selector"] == explained["selector"]
    assert {"complaint_id", "probability"} <= set(one["complaints"][0])


def test_top_lists_the_worst_first(home: Home) -> None:
    worst = home.json("top", "site", "--limit", "5")
    assert len(worst) == 5
    assert [row["overall"] for row in worst] == sorted(row["overall"] for row in worst)
    assert "overall" in home.run("top", "model")


def test_kpis_carry_their_sums(home: Home) -> None:
    rows = home.json("kpi", "--limit", "20")
    assert len(rows) == 20
    assert {"object_id", "kpi", "start", "value", "numerator", "denominator", "lo", "hi", "coverage"} <= set(rows[0])


def test_a_customer_is_found_by_pseudonym_and_by_identifier(home: Home, tmp_path: Path) -> None:
    subscribers = pd.read_csv(home.path / "demo" / "inventory" / "subscribers.csv.gz", dtype=str)
    raw = subscribers["subscriber_id"].iloc[3]
    by_identifier = json.loads(home.run("user", "--identifier-file", "-", "--json", given=raw))
    assert raw not in json.dumps(by_identifier)
    by_pseudonym = home.json("user", str(by_identifier["customer_key"]))
    assert by_pseudonym["days"] == by_identifier["days"]
    assert len(by_pseudonym["days"]) >= 5
    home.run("user", "--identifier-file", "-", code=4, given="460009999999999")
    home.run("user", code=2)


def test_exports_hold_the_documented_columns(home: Home, tmp_path: Path) -> None:
    for by, name in (("hour", "h.parquet"), ("day", "d.csv")):
        home.run("export", "indices", "--by", by, *ALL, "-o", str(tmp_path / name))
    hours, days = pd.read_parquet(tmp_path / "h.parquet"), pd.read_csv(tmp_path / "d.csv")
    assert list(hours.columns) == INDEX_COLUMNS
    assert list(days.columns) == INDEX_COLUMNS
    assert days["overall"].dropna().between(0, 100).all()
    assert (days["lo"].dropna() <= days["overall"][days["lo"].notna()] + 1e-3).all()
    home.run("export", "kpis", *ALL, "-o", str(tmp_path / "k.parquet"))
    assert len(pd.read_parquet(tmp_path / "k.parquet")) > 100
    home.run("export", "sessions", *ALL, "-o", str(tmp_path / "s.parquet"))
    sessions = pd.read_parquet(tmp_path / "s.parquet")
    assert set(sessions["subscriber_key"]) == set(hours["subscriber_key"]) | set(days["subscriber_key"])
    assert "subscriber_id" not in sessions
    home.run("export", "indices", "-o", str(tmp_path / "x.xlsx"), code=4)


def test_identifiers_leave_only_for_those_asked_for_and_are_audited(home: Home, tmp_path: Path) -> None:
    subscribers = pd.read_csv(home.path / "demo" / "inventory" / "subscribers.csv.gz", dtype=str)
    asked = subscribers["subscriber_id"].head(3).tolist()
    (tmp_path / "ids.txt").write_text("\n".join([*asked, "460009999999999"]))
    home.run("export", "indices", "--by", "day", "-o", str(tmp_path / "i.csv"), "--ids", str(tmp_path / "ids.txt"))
    named = pd.read_csv(tmp_path / "i.csv", dtype={"subscriber_id": str})
    assert set(named["subscriber_id"].dropna()) == set(asked)
    assert named["subscriber_id"].isna().any()


def test_doctor_finds_nothing_that_stops(home: Home) -> None:
    checks = home.json("doctor")
    assert "fail" not in json.dumps(checks)


def test_what_is_printed_is_what_is_documented(home: Home, tmp_path: Path, receiver: str) -> None:
    """The fields of docs/json.md are those of the commands, no more and no fewer."""
    page = (Path(__file__).parent.parent / "docs" / "json.md").read_text(encoding="utf-8")
    documented = {
        section.splitlines()[0]: re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        for section in page.split("\n## cem ")[1:]
    }
    customer = _a_customer(home, tmp_path)
    complaint = home.json("complaints", "list")[0]["complaint_id"]
    cluster = max(home.json("clusters", *ALL), key=lambda each: each["silent_users"] or 0)["id"]
    last = ["--from", "2026-03-11T00:00:00Z"]
    calls = {
        "alerts list": ["alerts", "list"],
        "alerts show": ["alerts", "show", home.json("alerts", "list")[0]["alert_id"]],
        "alerts check": ["alerts", "check"],
        "alerts silence": ["alerts", "silence", "rule=x", "--for", "1h", "--actor", "ann", "--comment", "test"],
        "alerts silences": ["alerts", "silences"],
        "alerts test": ["alerts", "test", "cluster", *last],
        "alerts backtest": ["alerts", "backtest", "--truth", str(home.path / "demo" / "truth.json"), *last],
        "status": ["status"],
        "alerts channels": ["alerts", "channels"],
        "alerts try": ["alerts", "try", receiver],
        "top": ["top", "site"],
        "user": ["user", str(customer)],
        "kpi": ["kpi"],
        "clusters": ["clusters", *ALL],
        "effects": ["effects"],
        "explain": ["explain", str(customer)],
        "aggregation": ["aggregation"],
        "fairness": ["fairness"],
        "calibrate": ["calibrate"],
        "complaint": ["complaint", complaint],
        "complaints list": ["complaints", "list"],
        "complaints surges": ["complaints", "surges"],
        "complaints risks": ["complaints", "risks", cluster],
        "complaints silent": ["complaints", "silent", cluster],
        "complaints label": ["complaints", "label", complaint, "speed"],
        "doctor": ["doctor"],
        "collect": ["collect", str(home.path / "demo" / "surveys")],
        "score": ["score"],
        "runs": ["runs"],
        "compare": ["compare"],
        "erase": ["erase", "--identifier-file", "-", "--reason", "asked for"],
        "db backup": ["db", "backup", str(tmp_path / "all.dump")],
        "retention run": ["retention", "run", "--now", "2026-03-05T00:00:00Z"],
        "retention report": ["retention", "report"],
        "users grant": ["users", "grant", "li", "care"],
        "users list": ["users", "list"],
        "users revoke": ["users", "revoke", "li"],
        "detect": ["detect"],
        "demo": ["demo", "--fast", "--no-serve"],
        "report cluster": ["report", "cluster", cluster, "-o", str(tmp_path / "c.pdf")],
        "report week": ["report", "week", "-o", str(tmp_path / "w.pdf")],
        "export": ["export", "kpis", "-o", str(tmp_path / "k.csv")],
    }
    assert set(documented) == set(calls)
    home.run("score", "--shadow", str(_next_catalogue(tmp_path)), "--from", "2026-03-04T00:00:00Z")
    for name, call in calls.items():
        printed = json.loads(home.run(*call, "--json", given="460009999999999"))
        assert list(printed[0] if isinstance(printed, list) else printed) == documented[name], name


def _a_customer(home: Home, tmp_path: Path) -> int:
    home.run("export", "indices", "--by", "day", "-o", str(tmp_path / "any.parquet"))
    return int(pd.read_parquet(tmp_path / "any.parquet")["subscriber_key"].iloc[0])


def _next_catalogue(tmp_path: Path) -> Path:
    file = tmp_path / "next.toml"
    file.write_text(packaged("qoe").replace("prior_weight = 10 ", "prior_weight = 5 "), encoding="utf-8")
    return file
