"""One customer, many identifiers: what joins them, what parts them, from when on, and what is kept of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.kinds import IDENTITIES, SESSIONS, TOUCHPOINTS
from store.connection import Connection
from store.customers import retract
from store.identity_graph import BEGINNING_US, LARGEST_CUSTOMER, Link, at, customers, spans
from store.intake import Intake
from store.inventory import Inventory
from store.ledger import Tally
from store.vault import Vault
from tests.batches import NOON, UTC_US, load, one, sessions

IMSI, OTHER_IMSI = "imsi:460001234567890", "imsi:460001234567891"
NUMBER, ACCOUNT, OTHER_ACCOUNT = "msisdn:+8613812345678", "account:a1", "account:a2"
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


def tell(intake: Intake, rows: Sequence[tuple[str, str, datetime | None]]) -> Tally:
    """Load identities of (holder, value, valid from)."""
    batch = pa.record_batch(
        {
            "subscriber_id": pa.array([row[0] for row in rows]),
            "kind": pa.array([row[1].partition(":")[0] for row in rows]),
            "value": pa.array([row[1] for row in rows]),
            "valid_from": pa.array([row[2] for row in rows], UTC_US),
        }
    )
    return load(intake, IDENTITIES, batch, digest=np.random.default_rng().bytes(8))


def whose(connection: Connection, vault: Vault, names: Sequence[str], moment: datetime) -> list[set[str]]:
    """The customers among these identifiers at a moment, by the inventory that scoring uses."""
    tokens = vault.tokens(names)
    moments = np.full(len(names), round(moment.timestamp() * 1e6))
    keys = Inventory.load(connection).customer_keys(tokens, moments)
    groups = [{name for name, key in zip(names, keys, strict=True) if key == wanted} for wanted in dict.fromkeys(keys)]
    return sorted(groups, key=lambda group: sorted(group))


def changes(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT change, members FROM cem.customer_change ORDER BY change_id").fetchall()


def test_imsi_number_account_and_address_are_one(intake: Intake, connection: Connection, vault: Vault) -> None:
    tell(intake, [(IMSI, NUMBER, None), (NUMBER, ACCOUNT, None)])
    tell(intake, [(ACCOUNT, "email:a@example.com", None)])
    names = [IMSI, NUMBER, ACCOUNT, "email:a@example.com"]
    assert whose(connection, vault, names, MARCH) == [set(names)]
    assert one(connection, "SELECT count(DISTINCT customer_key) FROM cem.customer_of") == 1
    assert {change for change, _ in changes(connection)} == {"merge"}
    assert one(connection, "SELECT count(*) FROM cem.identity WHERE holder_kind IS NULL") == 0


def test_a_customer_keeps_its_key_when_more_is_known_of_it(
    intake: Intake, connection: Connection, vault: Vault
) -> None:
    tell(intake, [(IMSI, NUMBER, None)])
    before = one(connection, "SELECT DISTINCT customer_key FROM cem.customer_of")
    for number in range(8):
        tell(intake, [(NUMBER, f"email:{number}@example.com", None)])
    keys = [row[0] for row in connection.execute("SELECT DISTINCT customer_key FROM cem.customer_of")]
    assert keys == [before]


def test_a_recycled_number_passes_to_its_new_holder_from_that_day_on(
    intake: Intake, connection: Connection, vault: Vault
) -> None:
    names = [IMSI, OTHER_IMSI, NUMBER]
    tell(intake, [(IMSI, NUMBER, None)])
    tell(intake, [(OTHER_IMSI, NUMBER, MARCH)])
    assert whose(connection, vault, names, MARCH - timedelta(days=1)) == [{IMSI, NUMBER}, {OTHER_IMSI}]
    assert whose(connection, vault, names, MARCH) == [{IMSI}, {OTHER_IMSI, NUMBER}]
    # What is told later of a time between fits in between.
    tell(intake, [("imsi:460001234567892", NUMBER, FEBRUARY)])
    names.append("imsi:460001234567892")
    assert whose(connection, vault, names, FEBRUARY) == [{IMSI}, {OTHER_IMSI}, {NUMBER, names[3]}]
    assert whose(connection, vault, names, MARCH) == [{IMSI}, {OTHER_IMSI, NUMBER}, {names[3]}]
    assert whose(connection, vault, names, FEBRUARY - timedelta(days=1)) == [{IMSI, NUMBER}, {OTHER_IMSI}, {names[3]}]


def test_a_line_that_changes_its_account_leaves_the_old_one_whole(
    intake: Intake, connection: Connection, vault: Vault
) -> None:
    tell(intake, [(NUMBER, ACCOUNT, None), (IMSI, ACCOUNT, None), (OTHER_IMSI, OTHER_ACCOUNT, None)])
    tell(intake, [(NUMBER, OTHER_ACCOUNT, MARCH)])
    names = [NUMBER, IMSI, OTHER_IMSI, ACCOUNT, OTHER_ACCOUNT]
    assert whose(connection, vault, names, FEBRUARY) == [{NUMBER, IMSI, ACCOUNT}, {OTHER_IMSI, OTHER_ACCOUNT}]
    assert whose(connection, vault, names, MARCH) == [{IMSI, ACCOUNT}, {NUMBER, OTHER_IMSI, OTHER_ACCOUNT}]


def test_an_account_has_many_lines_at_once(intake: Intake, connection: Connection, vault: Vault) -> None:
    tell(intake, [(ACCOUNT, NUMBER, FEBRUARY), (ACCOUNT, "msisdn:+8613812345679", MARCH), (IMSI, ACCOUNT, None)])
    names = [ACCOUNT, NUMBER, "msisdn:+8613812345679", IMSI]
    assert whose(connection, vault, names, MARCH) == [set(names)]


def test_a_later_delivery_replaces_an_earlier_one_and_splits_it(
    intake: Intake, connection: Connection, vault: Vault
) -> None:
    tell(intake, [(IMSI, NUMBER, None)])
    tell(intake, [(OTHER_IMSI, NUMBER, None)])
    assert whose(connection, vault, [IMSI, OTHER_IMSI, NUMBER], FEBRUARY) == [{IMSI}, {OTHER_IMSI, NUMBER}]
    tell(intake, [(IMSI, NUMBER, None), (OTHER_IMSI, NUMBER, None)])  # one delivery that says both: one customer
    assert whose(connection, vault, [IMSI, OTHER_IMSI, NUMBER], FEBRUARY) == [{IMSI, OTHER_IMSI, NUMBER}]


def test_what_is_retracted_splits_again_and_is_audited(intake: Intake, connection: Connection, vault: Vault) -> None:
    load(intake, SESSIONS, sessions(["a", "b"], [60, 200], who=[IMSI, ACCOUNT]))
    tell(intake, [(IMSI, ACCOUNT, None), (NUMBER, ACCOUNT, None)])
    connection.execute("DELETE FROM cem.dirty")
    imsi, account = vault.tokens([IMSI, ACCOUNT]).tolist()
    with connection.transaction():
        retract(connection, [(account, imsi)], actor="li", reason="wrong account")
    assert whose(connection, vault, [IMSI, ACCOUNT, NUMBER], MARCH) == [{ACCOUNT, NUMBER}, {IMSI}]
    assert "split" in {change for change, _ in changes(connection)}
    assert one(connection, "SELECT action, actor FROM cem.audit") == ("retract identities", "li")
    marked = {row[0] for row in connection.execute("SELECT window_start FROM cem.dirty")}
    assert marked & {NOON - timedelta(minutes=60), NOON - timedelta(minutes=210)}


def test_only_the_time_that_changes_is_scored_again(intake: Intake, connection: Connection) -> None:
    load(
        intake, SESSIONS, sessions(["a", "b", "c"], [60, 60 * 24 * 3, 45], who=[NUMBER, NUMBER, "imsi:460009999999999"])
    )
    touch = pa.record_batch(
        {
            "event_id": pa.array(["e"]),
            "time": pa.array([NOON - timedelta(hours=9)], UTC_US),
            "subscriber_id": pa.array([NUMBER]),
        }
    )
    load(intake, TOUCHPOINTS, touch)
    connection.execute("DELETE FROM cem.dirty")
    tell(intake, [(OTHER_IMSI, NUMBER, MARCH)])
    marked = connection.execute("SELECT kind, window_start FROM cem.dirty ORDER BY 1, 2").fetchall()
    expected = [("sessions", NOON - timedelta(minutes=60)), ("touchpoints", NOON - timedelta(hours=9))]
    assert marked == expected
    connection.execute("DELETE FROM cem.dirty")
    tell(intake, [(OTHER_IMSI, NUMBER, MARCH)])
    assert one(connection, "SELECT count(*) FROM cem.dirty") == 0


@pytest.mark.parametrize("parts", [1, 4])
def test_a_shared_placeholder_glues_nobody_and_takes_nobody_apart(
    intake: Intake, connection: Connection, vault: Vault, parts: int
) -> None:
    people = [(f"imsi:4600012345{number:05}", f"msisdn:+86138{number:08}") for number in range(2 * LARGEST_CUSTOMER)]
    tell(intake, [(imsi, number, None) for imsi, number in people])
    share = -(-len(people) // parts)
    for start in range(0, len(people), share):
        tally = tell(intake, [(imsi, "email:none@none", None) for imsi, _ in people[start : start + share]])
    assert tally.rows_quarantined == 1
    assert one(connection, "SELECT count(DISTINCT code), min(code) FROM cem.quarantine") == (1, "customer_too_large")
    names = [name for pair in people for name in pair]
    assert whose(connection, vault, [*names, "email:none@none"], MARCH) == sorted(
        [{imsi, number} for imsi, number in people] + [{"email:none@none"}], key=sorted
    )


def test_renewing_only_what_is_reached_comes_to_the_same_as_looking_at_all(
    intake: Intake, connection: Connection, vault: Vault
) -> None:
    """Random identities, batch by batch and out of order, against the whole table looked at at once."""
    random = np.random.default_rng(2026)
    kinds = ["imsi", "imsi", "imsi", "msisdn", "msisdn", "msisdn", "account", "account", "email"]
    days = [None, FEBRUARY, MARCH, NOON]
    for trial in range(8):
        names = [f"{kind}:{trial}-{number}" for number, kind in enumerate(kinds)]
        for _ in range(8):
            pairs = [random.choice(9, 2, replace=False) for _ in range(random.integers(1, 4))]
            tell(intake, [(names[left], names[right], days[random.integers(4)]) for left, right in pairs])
            moments = (FEBRUARY - timedelta(days=1), FEBRUARY, MARCH, NOON)
            assert [whose(connection, vault, names, moment) for moment in moments] == [
                afresh(connection, vault, names, moment) for moment in moments
            ]
    alone = "SELECT count(*) FROM cem.customer_change WHERE old_key = new_key"
    assert one(connection, alone) == 0


def afresh(connection: Connection, vault: Vault, names: Sequence[str], moment: datetime) -> list[set[str]]:
    """The customers at a moment by a look at all identities."""
    tokens = dict(zip(vault.tokens(names).tolist(), names, strict=True))
    rows = connection.execute(
        "SELECT subscriber_key, other_key, (extract(epoch FROM greatest(valid_from, '0001-01-01 00:00:00+00')) * 1e6)"
        "::bigint, batch_id FROM cem.identity WHERE subscriber_key = ANY(%s)",
        [list(tokens)],
    ).fetchall()
    kind = {token: name.partition(":")[0] for token, name in tokens.items()}
    found = [Link(left, right, kind[left], kind[right], start, batch) for left, right, start, batch in rows]
    lines = customers(spans(found), tokens, {}).timelines
    keys = {token: at(lines[token], round(moment.timestamp() * 1e6), token) for token in tokens}
    groups = [{tokens[token] for token in keys if keys[token] == key} for key in dict.fromkeys(keys.values())]
    return sorted(groups, key=lambda group: sorted(group))


KINDS = {0: "imsi", 1: "imsi", 2: "imsi", 3: "msisdn", 4: "msisdn", 5: "msisdn", 6: "account", 7: "account", 8: "email"}
PAIRS = st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] != pair[1])
TOLD = st.lists(st.tuples(PAIRS, st.sampled_from([BEGINNING_US, 10, 20, 30])), min_size=1, max_size=12)


def links(told: list[tuple[tuple[int, int], int]]) -> list[Link]:
    return [
        Link(left + 1, right + 1, KINDS[left], KINDS[right], start, batch)
        for batch, ((left, right), start) in enumerate(told, 1)
    ]


def partition(found: list[Link], moment: int) -> set[frozenset[int]]:
    lines = customers(spans(found), range(1, 10), {}).timelines
    keys = {token: at(line, moment, token) for token, line in lines.items()}
    return {frozenset(token for token in keys if keys[token] == key) for key in keys.values()}


@given(TOLD)
def test_who_is_together_is_what_a_plain_search_finds(told: list[tuple[tuple[int, int], int]]) -> None:
    found = links(told)
    for moment in (BEGINNING_US, 10, 15, 30):
        expected = {token: {token} for token in range(1, 10)}
        for span in spans(found):
            if span.start_us <= moment < span.end_us and expected[span.left] is not expected[span.right]:
                joined = expected[span.left] | expected[span.right]
                expected |= dict.fromkeys(joined, joined)
        assert partition(found, moment) == {frozenset(group) for group in expected.values()}


@given(TOLD)
def test_nobody_is_together_with_two_holders_of_one_number(told: list[tuple[tuple[int, int], int]]) -> None:
    for moment in (BEGINNING_US, 10, 20, 30):
        held = [span for span in spans(links(told)) if span.start_us <= moment < span.end_us]
        for number in (4, 5, 6):
            partners = {span.left + span.right - number for span in held if number in (span.left, span.right)}
            assert sum(KINDS[partner - 1] == "imsi" for partner in partners) <= 1
            assert sum(KINDS[partner - 1] == "account" for partner in partners) <= 1


@settings(max_examples=12, deadline=None, database=None)
@given(TOLD)
def test_piece_by_piece_comes_to_the_same_as_all_at_once(told: list[tuple[tuple[int, int], int]]) -> None:
    """Whoever is together after each further link, keys kept, is who a whole new look finds together."""
    found = links(told)
    kept: dict[int, list[tuple[int, int]]] = {}
    for count in range(1, len(found) + 1):
        kept = dict(customers(spans(found[:count]), range(1, 10), kept).timelines)
    for moment in (BEGINNING_US, 10, 20, 30):
        keys = {token: at(kept[token], moment, token) for token in kept}
        groups = {frozenset(token for token in keys if keys[token] == key) for key in keys.values()}
        assert groups == partition(found, moment)
