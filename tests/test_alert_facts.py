"""What a message says: read again as it was written."""

import json
from datetime import UTC, datetime

from alerts.facts import Child, Facts, TierUsers
from cemaphore.pipeline.alert_facts import told_tiers


def test_facts_are_read_as_they_were_written() -> None:
    at = datetime(2026, 3, 10, 12, tzinfo=UTC)
    child = Child(
        alert_id="b", rule="r", subject="cell=1", severity="warning", state="firing", value=50.0, expected=80.0
    )
    facts = Facts(
        alert_id="a",
        change=2,
        rule="r",
        kind="storm",
        subject="region=north",
        measure="overall",
        unit="points",
        severity="critical",
        state="acknowledged",
        at=at,
        started_at=at,
        tiers=(TierUsers(tier="gold", users=12),),
        evidence=({"kind": "kpi", "metric": "PrbUtilDl"},),
        children_count=1000,
        children=(child,),
        acknowledged_at=at,
        labels={"team": "noc"},
    )
    shape = json.loads(json.dumps(facts.to_json()))
    assert Facts.from_json(shape) == facts
    assert shape["key"] == "a:acknowledged:2"
    assert shape["path"] == "alerts?alert=a"


def test_tiers_below_k_are_not_the_rest_of_the_users() -> None:
    """Of 60 users 40 gold and 17 silver leave 3 of bronze: then silver is not listed either."""
    hurt = [("gold", 40), ("silver", 17), ("bronze", 3)]
    assert told_tiers(hurt, 10) == (TierUsers(tier="gold", users=40),)
    assert told_tiers([*hurt[:2], ("bronze", 0)], 10) == told_tiers(hurt[:2], 10)
    assert [tier.tier for tier in told_tiers(hurt[:2], 10)] == ["gold", "silver"]
    assert told_tiers([("gold", 20), (None, 9)], 10) == ()
