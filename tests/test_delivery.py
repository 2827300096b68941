"""Messages reach the receivers that asked for them, at least once, with one key; one's fault is nobody else's."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.facts import Facts
from alerts.signing import secret_of, verify
from cemaphore.alert_receivers import receivers_of
from cemaphore.pipeline import delivering
from cemaphore.pipeline.delivering import deliver
from cemaphore.settings import Settings, load_settings
from records.errors import ConfigError
from store import deliveries
from store.connection import Connection
from tests.receiving import NOON, Hook, facts, hook, queue, until

SIGNING = "0123456789abcdef0123456789abcdef"
NOW = NOON + timedelta(hours=3)


@pytest.fixture
def served() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    (tmp_path / "signing").write_text(SIGNING, encoding="utf-8")
    return load_settings(
        home=tmp_path, database_url=database, outbound_allow="127.0.0.1", public_url="https://cem.example/",
        time_zone="Asia/Shanghai",
    )  # fmt: skip


def receivers(settings: Settings, *tables: str) -> None:
    settings.receivers_file.write_text("".join(f"[[receiver]]\n{table}\n" for table in tables), encoding="utf-8")


def webhook(name: str, url: str, *more: str) -> str:
    return "\n".join([f'name = "{name}"', 'kind = "webhook"', f'address = "{url}"', *more])


def outcomes(connection: Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT channel, outcome FROM cem.delivery ORDER BY delivery_id").fetchall()


def test_a_message_goes_signed_to_those_who_asked_for_it(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    receivers(
        settings,
        webhook("all", served.url, 'secret_file = "signing"', 'language = "zh"'),
        webhook("east", served.url, 'match = { region = ["east"] }'),
        webhook("info", served.url, 'severities = ["info"]'),
    )
    queue(connection, facts())
    run = deliver(database, settings, now=NOW)
    assert (run.addressed, run.sent, run.failed) == (1, 1, 0)
    (body,), (headers,) = served.got, served.headers
    verify(secret_of(SIGNING), headers, served.raw[0], delivering.datetime.now(delivering.UTC))
    assert headers["idempotency-key"] == headers["webhook-id"] == body["key"] == "a1:firing:1"
    assert body["text"]["title"].startswith("【严重】区域 west")
    assert body["text"]["url"] == "https://cem.example/alerts?alert=a1"
    assert Facts.from_json(body) == facts()
    assert outcomes(connection) == [("*", "addressed"), ("all", "sent")]
    assert deliver(database, settings, now=NOW) == delivering.DeliveryRun()


def test_what_is_over_is_told_to_those_who_knew_of_it(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    """Ends are told whatever the severity became; a receiver that was never told of it hears nothing."""
    receivers(settings, webhook("critical", served.url, 'severities = ["critical"]'))
    queue(connection, facts(), facts(alert_id="b", severity="warning"))
    deliver(database, settings, now=NOW)
    over = {"state": "resolved", "resolved_at": NOW, "change": 2, "severity": "warning"}
    queue(connection, facts(**over), facts(alert_id="b", **over))
    deliver(database, settings, now=NOW)
    assert served.keys == ["a1:firing:1", "a1:resolved:2"]


def test_a_receiver_that_is_away_keeps_its_messages_in_order_and_no_other_waits(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    with hook() as other:
        receivers(settings, webhook("good", served.url), webhook("ill", other.url))
        other.answers = [500, 500, 500]
        queue(connection, facts(), facts(alert_id="b"))
        run = deliver(database, settings, now=NOW)
        assert (run.sent, run.failed, len(other.got)) == (2, 1, 3)
        state = deliveries.states(connection)["ill"]
        assert (state.failures, state.waiting, state.error) == (1, 2, "the receiver answered 500")
        assert deliver(database, settings, now=NOW + timedelta(seconds=0.5)).failed == 0, "it is left alone a second"
        assert deliver(database, settings, now=NOW + timedelta(seconds=2)).sent == 2
    assert other.acted == ["a1:firing:1", "b:firing:1"]
    assert deliveries.states(connection)["ill"].failures == 0


def test_a_slow_receiver_keeps_no_other_waiting_and_gets_the_rest_in_later_runs(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    settings = settings.model_copy(update={"outbound_timeout_s": 1.0})
    with hook() as slow:
        receivers(settings, webhook("slow", slow.url), webhook("quick", served.url))
        slow.delays = [0.7] * 3
        names = [f"n{n}" for n in range(5)]
        queue(connection, *(facts(alert_id=name) for name in names))
        begin = time.monotonic()
        assert deliver(database, settings, now=NOW).sent == 5, "those of the slow one are not waited for"
        queue(connection, facts(alert_id="last"))
        assert deliver(database, settings, now=NOW).sent >= 1
        assert len(served.got) == 6
        assert time.monotonic() - begin < 3

        def all_taken() -> bool:
            deliver(database, settings, now=NOW)
            return len(slow.got) == 6

        until(all_taken)
    assert slow.keys == [f"{name}:firing:1" for name in (*names, "last")]


def test_a_message_that_is_refused_does_not_keep_others_waiting(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    receivers(settings, webhook("all", served.url))
    queue(connection, facts(), facts(alert_id="b"))
    served.answers = [422]
    assert deliver(database, settings, now=NOW).sent == 1
    assert served.keys == ["a1:firing:1", "b:firing:1"]
    connection.execute("UPDATE cem.delivery SET attempts = %s WHERE alert_id = 'a1'", [delivering.MOST_REFUSALS - 1])
    served.answers = [422]
    deliver(database, settings, now=NOW + timedelta(minutes=2))
    assert outcomes(connection)[2:] == [("all", "refused"), ("all", "sent")]
    error = connection.execute("SELECT error FROM cem.delivery WHERE outcome = 'refused'").fetchone()
    assert error == ("the receiver answered 422",)


def test_people_are_told_the_newest_where_several_messages_waited_for_them(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    address = f"json://127.0.0.1:{served.port}/"
    receivers(settings, f'name = "people"\nkind = "apprise"\naddress = "{address}"', webhook("machine", served.url))
    queue(connection, facts(), facts(alert_id="b"), facts(state="resolved", change=2, resolved_at=NOW))
    assert deliver(database, settings, now=NOW).sent == 5
    said = [body["title"] for body in served.got if "title" in body]
    assert [title.partition(":")[0] for title in said] == ["CRITICAL", "Over"]
    assert len([body for body in served.got if "key" in body]) == 3


def test_a_receiver_that_was_removed_keeps_nothing_waiting_for_ever(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    receivers(settings, webhook("old", served.url))
    served.answers = [404]
    queue(connection, facts())
    deliver(database, settings, now=NOW)
    receivers(settings, webhook("new", served.url))
    deliver(database, settings, now=NOW + timedelta(hours=23))
    assert deliveries.states(connection)["old"].waiting == 1
    deliver(database, settings, now=NOW + timedelta(hours=25))
    assert deliveries.states(connection)["old"].waiting == 0


def test_a_message_that_was_taken_and_not_noted_comes_again_with_its_key(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    """The program is killed between the receiver's answer and the note of it."""
    receivers(settings, webhook("all", served.url))
    queue(connection, facts())
    deliver(database, settings, now=NOW)
    connection.execute("UPDATE cem.delivery SET outcome = 'waiting', delivered_at = NULL WHERE channel = 'all'")
    deliver(database, settings, now=NOW)
    assert served.keys == ["a1:firing:1"] * 2
    assert served.acted == ["a1:firing:1"]


def test_two_programs_do_not_serve_one_receiver_at_once(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    receivers(settings, webhook("all", served.url))
    queue(connection, facts())
    assert deliveries.claim(connection, "all")
    assert deliver(database, settings, now=NOW).sent == 0


def test_a_refused_address_is_noted_and_nothing_is_sent(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    settings = settings.model_copy(update={"outbound_allow": ()})
    receivers(settings, webhook("all", served.url))
    queue(connection, facts())
    assert deliver(database, settings, now=NOW).failed == 1
    assert served.got == []
    error = deliveries.states(connection)["all"].error or ""
    assert "127.0.0.1, which is not public and not in CEMAPHORE_OUTBOUND_ALLOW" in error
    assert "secret" not in error


def test_the_setting_of_web_hooks_goes_on_to_work(
    connection: Connection, database: str, tmp_path: Path, served: Hook
) -> None:
    settings = load_settings(home=tmp_path, database_url=database, webhook_urls=served.url)
    queue(connection, facts())
    assert deliver(database, settings, now=NOW).sent == 1
    (receiver,) = receivers_of(settings)
    assert receiver.name.startswith("webhook-")
    assert "hook" not in repr(receiver).replace("webhook", "")


def test_a_wrong_file_says_where_and_sends_nothing(connection: Connection, database: str, settings: Settings) -> None:
    receivers(settings, 'name = "x"\nkind = "pager"')
    with pytest.raises(ConfigError, match=r"^receivers.toml:3: kind 'pager'"):
        deliver(database, settings, now=NOW)


def test_tmf_receivers_get_events_in_the_published_shapes(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    kinds = [webhook(kind, served.url).replace('"webhook"', f'"{kind}"') for kind in ("tmf642", "tmf656")]
    receivers(settings, *kinds)
    queue(connection, facts(), facts(state="resolved", resolved_at=NOW, change=2))
    deliver(database, settings, now=NOW)
    types = sorted(body["eventType"] for body in served.got)
    assert types == [
        "AlarmCreateEvent", "AlarmStateChangeEvent", "ServiceProblemCreateEvent", "ServiceProblemStateChangeEvent",
    ]  # fmt: skip
    assert {body["eventId"] for body in served.got} == {"a1:firing:1", "a1:resolved:2"}


def test_a_thousand_messages_leave_in_bounded_runs(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    receivers(settings, webhook("all", served.url))
    queue(connection, *(replace(facts(), alert_id=f"n{n}") for n in range(120)))
    runs = [deliver(database, settings, now=NOW).sent for _ in range(4)]
    assert runs == [delivering.AT_ONCE, delivering.AT_ONCE, 120 - 2 * delivering.AT_ONCE, 0]
    assert len(served.acted) == 120
