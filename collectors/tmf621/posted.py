"""What was posted to the ticket listener, on its way into the database: whole tickets first, then what changed."""

from collections.abc import Callable, Sequence

from collectors.listening.database import Database, Opened
from collectors.listening.sink import DatabaseSink
from collectors.options import Options
from collectors.tmf621.amending import amendment
from collectors.tmf621.events import read
from collectors.tmf621.loading import digest_of, load
from collectors.tmf621.tickets import Ticket
from records.kinds import COMPLAINTS
from store.amendments import amend
from store.keys import Keys
from store.ledger import Delivery

NAME = "ticket events"


class TicketSink(DatabaseSink):
    """Commits tickets of any number of requests: each version once."""

    def __init__(
        self, database: Database, keys: Keys, source: str, options: Options, tell: Callable[[str], None]
    ) -> None:
        super().__init__(database, source=source, kind=COMPLAINTS, name=NAME, read=read)
        self._keys = keys
        self._options = options
        self._tell = tell

    def commit(self, contents: Sequence[object]) -> None:
        """Store what the requests hold and was not stored before."""
        tickets = [content for content in contents if isinstance(content, Ticket)]
        whole = [one for one in tickets if one.whole]
        parts = [amendment(one, row) for row, one in enumerate(tickets, 1) if not one.whole]
        if not tickets:
            return
        with self._database.working() as opened:
            source_id = int(opened.labels.sources([self._source])[0])
            if whole:
                load(opened.intake, self._source, source_id, NAME, whole, self._options)
            if parts:
                changed = [one for one in tickets if not one.whole]
                tally = amend(
                    opened.connection, opened.labels, self._keys, self._delivery(opened, source_id, changed), parts
                )
                if tally.rows_quarantined:
                    self._tell("an event tells of a ticket that is not known: `cem quarantine list --kind complaints`")

    def _delivery(self, opened: Opened, source_id: int, tickets: Sequence[Ticket]) -> Delivery:
        return Delivery(
            kind=COMPLAINTS,
            source_id=source_id,
            name=NAME,
            digest=digest_of(tickets),
            size_bytes=sum(len(one.payload) for one in tickets),
            arrived_at=opened.intake.clock_now,
        )
