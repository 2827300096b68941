"""Sends the report of the week by mail: once to each receiver, whatever becomes of the program meanwhile."""

import tempfile
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.channels.apprise import Apprise, Post
from alerts.receivers import PEOPLE, Receiver
from cemaphore.alert_receivers import outbound_of, receivers_of
from cemaphore.reporting import week
from cemaphore.reporting.document import pdf
from cemaphore.reporting.making import words_of
from cemaphore.settings import Settings
from records.errors import ConfigError
from store import report_ledger
from store.connection import connect

ROLE = "cem_operations"  # no person and no words of one are mailed


@dataclass(frozen=True, kw_only=True)
class ReportRun:
    """Reports that were taken, and that were not."""

    reports_sent: int = 0
    reports_failed: int = 0


def send_week(dsn: str, settings: Settings, *, now: datetime) -> ReportRun:
    """Send the last report that is due to those who have not got it; raises `ConfigError` for an unknown receiver.

    At least once: killed between the mail's acceptance and the ledger's entry, it sends that one again.
    """
    receivers = _chosen(settings)
    end = due(settings, now)
    results = [_send(dsn, settings, receiver, end, now) for receiver in receivers]
    return ReportRun(reports_sent=results.count("sent"), reports_failed=results.count("failed"))


def due(settings: Settings, now: datetime) -> datetime:
    """Return the end of the week whose report is due: midnight of the last day on which one was to be sent."""
    zone = ZoneInfo(settings.time_zone)
    local = now.astimezone(zone)
    day = local.date() - timedelta(days=(local.isoweekday() - settings.report_weekday) % 7)
    if local < datetime.combine(day, time(settings.report_hour), zone):
        day -= timedelta(days=7)
    return datetime.combine(day, time(), zone)


def _chosen(settings: Settings) -> list[Receiver]:
    known = {receiver.name: receiver for receiver in receivers_of(settings) if receiver.kind == PEOPLE}
    for name in settings.report_receivers:
        if name not in known:
            raise ConfigError(
                f"report_receivers: {settings.receivers_file.name} has no receiver {name!r} of kind {PEOPLE}; "
                f"there are {', '.join(sorted(known)) or 'none'}."
            )
    return [known[name] for name in settings.report_receivers]


def _send(dsn: str, settings: Settings, receiver: Receiver, end: datetime, now: datetime) -> str:
    words = words_of(settings, receiver.language)
    with connect(dsn, role=ROLE, autocommit=True) as reading, connect(dsn) as writing:
        chosen = week.ending(end)
        if not week.scored(reading, chosen) or not report_ledger.claim(writing, end, receiver.name):
            return "nothing"
        report = week.report(reading, chosen, words, now=now)
        with tempfile.TemporaryDirectory(prefix="cemaphore-report-") as folder:
            file = Path(folder, f"cemaphore-{words.day(chosen.start)}.pdf")
            file.write_bytes(pdf(report))
            text = words.t("report.mail", days=report.subtitle)
            body = "\n".join([text, *([settings.public_url] if settings.public_url else [])])
            post = Post(title=f"{report.title}: {report.subtitle}", body=body, kind="info", files=(str(file),))
            error = next(Apprise(receiver, outbound_of(settings, receiver)).post([post]))
        report_ledger.tried(writing, end, receiver.name, now, error)
        writing.commit()
    return "sent" if error is None else "failed"
