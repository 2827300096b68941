"""Who is one customer at what time: links between identifiers over time, cut where a number passes to somebody else.

An identifier of some kinds has one partner of some other kinds at a time (`EXCLUSIVE`): a telephone number is in one
SIM and on one account, a SIM on one account. A later link of that sort ends the earlier one when it begins; of two that
begin at the same moment the one delivered later replaces the other, and two out of one delivery hold together. Links
of all other sorts hold from their beginning on, side by side.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

EXCLUSIVE = frozenset({("msisdn", "imsi"), ("msisdn", "account"), ("imsi", "account")})
BEGINNING_US = -62_135_596_800_000_000  # year 1: nothing of ours is older
END_US = 2**62
# A person has a handful of identifiers; more than this come from a placeholder that many rows share.
LARGEST_CUSTOMER = 50


@dataclass(frozen=True, slots=True)
class Link:
    """Two identifiers that belong together from `start_us` on (microseconds since 1970 UTC), and their kinds."""

    left: int
    right: int
    left_kind: str
    right_kind: str
    start_us: int
    batch_id: int


@dataclass(frozen=True, slots=True)
class Span:
    """A link and the time until which it holds; one that never holds ends where it starts."""

    left: int
    right: int
    start_us: int
    end_us: int


Epoch = tuple[int, int]  # from when, and the customer's key from then on
Timeline = list[Epoch]


def spans(links: Iterable[Link]) -> list[Span]:
    """Return from when to when each link holds."""
    newest: dict[tuple[int, int, int], Link] = {}
    for link in links:
        pair = (min(link.left, link.right), max(link.left, link.right), link.start_us)
        if pair not in newest or newest[pair].batch_id < link.batch_id:
            newest[pair] = link
    groups: dict[tuple[int, str], list[Link]] = defaultdict(list)
    for link in newest.values():
        for group in _groups(link):
            groups[group].append(link)
    ends: dict[Link, int] = {}
    for members in groups.values():
        _cut(members, ends)
    return [Span(link.left, link.right, link.start_us, ends.get(link, END_US)) for link in newest.values()]


def _groups(link: Link) -> list[tuple[int, str]]:
    """The groups of links of which one holds at a time: one identifier with all its partners of one kind."""
    found = []
    if (link.left_kind, link.right_kind) in EXCLUSIVE:
        found.append((link.left, link.right_kind))
    if (link.right_kind, link.left_kind) in EXCLUSIVE:
        found.append((link.right, link.left_kind))
    return found


def _cut(members: list[Link], ends: dict[Link, int]) -> None:
    if len(members) == 1:
        return
    members.sort(key=lambda link: (-link.start_us, -link.batch_id))
    until, start, batch_id = END_US, END_US, 0
    for link in members:
        if link.start_us < start:
            until, start, batch_id = start, link.start_us, link.batch_id
        end = until if link.batch_id == batch_id else link.start_us
        ends[link] = min(end, ends.get(link, END_US))


@dataclass(frozen=True, kw_only=True)
class Customers:
    """Whose each identifier is over time, and how many were left apart."""

    timelines: Mapping[int, Timeline]
    members: Mapping[tuple[int, int], frozenset[int]]
    too_large: int


def customers(held: Sequence[Span], tokens: Collection[int], before: Mapping[int, Timeline]) -> Customers:
    """Return the customers of some identifiers, from the beginning on; links to others are passed over.

    `before` says whose they were until now: a customer keeps its key, the token of one of its members, as long as that
    one stays; of several keys the one that most members had, then the smallest.
    """
    timelines: dict[int, Timeline] = {}
    sets: dict[tuple[int, int], frozenset[int]] = {}
    too_large = 0
    for nodes, inside in _islands(held, tokens):
        sweep = _Sweep(nodes, inside, before)
        sweep.run()
        timelines.update(sweep.timelines)
        sets.update(sweep.sets)
        too_large += len(sweep.shared)
    return Customers(timelines=timelines, members=sets, too_large=too_large)


def _islands(held: Sequence[Span], tokens: Collection[int]) -> Iterable[tuple[list[int], list[Span]]]:
    """Identifiers that are connected at any time, with their links: each island can be looked at by itself."""
    union = _Union(tokens)
    known = union.parent
    among = [one for one in held if one.start_us < one.end_us and one.left in known and one.right in known]
    for span in among:
        union.join(span.left, span.right)
    nodes: dict[int, list[int]] = defaultdict(list)
    inside: dict[int, list[Span]] = defaultdict(list)
    for node in tokens:
        nodes[union.root(node)].append(node)
    for span in among:
        inside[union.root(span.left)].append(span)
    for root, found in nodes.items():
        yield found, inside[root]


class _Sweep:
    """One island from its first moment to its last."""

    def __init__(self, nodes: list[int], held: list[Span], before: Mapping[int, Timeline]) -> None:
        self.timelines: dict[int, Timeline] = {node: [] for node in nodes}
        self.sets: dict[tuple[int, int], frozenset[int]] = {}
        self.shared: set[int] = set()
        self._held = held
        self._before = before

    def run(self) -> None:
        moments = {moment for span in self._held for moment in (span.start_us, span.end_us) if moment < END_US}
        moments.add(BEGINNING_US)
        key: dict[int, int] = {}
        for moment in sorted(moments):
            key = self._epoch(moment, key)

    def _epoch(self, moment: int, earlier: dict[int, int]) -> dict[int, int]:
        held = [span for span in self._held if span.start_us <= moment < span.end_us]
        held, shared = without_shared(held)
        self.shared |= shared
        union = _Union(self.timelines)
        for span in held:
            union.join(span.left, span.right)
        parts: dict[int, list[int]] = defaultdict(list)
        for node in self.timelines:
            parts[union.root(node)].append(node)
        now: dict[int, int] = {}
        for members in parts.values():
            key = self._key(members, moment, earlier)
            whole = frozenset(members)
            for node in members:
                now[node] = key
                self.sets[node, moment] = whole
                line = self.timelines[node]
                if not line or line[-1][1] != key or self.sets[node, line[-1][0]] != whole:
                    line.append((moment, key))
        return now

    def _key(self, members: list[int], moment: int, earlier: dict[int, int]) -> int:
        votes = dict.fromkeys(members, 0)
        for node in members:
            line = self._before.get(node)
            told = [at(line, moment, node)] if line and line[0][0] <= moment else []
            for key in (*told, earlier.get(node)):
                if key in votes:
                    votes[key] += 1
        return min(votes, key=lambda key: (-votes[key], key))


def without_shared(held: list[Span]) -> tuple[list[Span], set[int]]:
    """Leave out the links of identifiers that would glue more than `LARGEST_CUSTOMER` together; and which they are.

    The identifier with the most partners goes first (the smallest token of several), until all are small enough.
    """
    shared: set[int] = set()
    while len(held) >= LARGEST_CUSTOMER and (largest := _too_large(held)):
        partners: dict[int, set[int]] = defaultdict(set)
        for span in held:
            if span.left in largest:
                partners[span.left].add(span.right)
                partners[span.right].add(span.left)
        hub = min(partners, key=lambda node: (-len(partners[node]), node))
        shared.add(hub)
        held = [span for span in held if hub not in (span.left, span.right)]
    return held, shared


def _too_large(held: list[Span]) -> set[int]:
    union = _Union({node: 0 for span in held for node in (span.left, span.right)})
    for span in held:
        union.join(span.left, span.right)
    parts: dict[int, set[int]] = defaultdict(set)
    for node in union.parent:
        parts[union.root(node)].add(node)
    return next((part for part in parts.values() if len(part) > LARGEST_CUSTOMER), set())


def at(line: Timeline, moment: int, alone: int) -> int:
    """Return the key that holds at a moment; before the first epoch an identifier is a customer of its own."""
    key = alone
    for start, value in line:
        if start > moment:
            break
        key = value
    return key


class _Union:
    """Disjoint sets with path halving."""

    def __init__(self, nodes: Iterable[int]) -> None:
        self.parent = {node: node for node in nodes}

    def root(self, node: int) -> int:
        parent = self.parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(self, left: int, right: int) -> None:
        left, right = self.root(left), self.root(right)
        if left != right:
            self.parent[max(left, right)] = min(left, right)
