"""`cem scrape` and `cem backfill`: exporters and Prometheus servers of `sources.toml`, asked by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collectors.prometheus import Chunk, Scrape

_START = "Beginning of the time, with its offset, such as 2026-03-01T00:00:00+08:00."


def register(app: typer.Typer) -> None:
    """Add `cem scrape` and `cem backfill` to `app`."""
    app.command("scrape")(_scrape)
    app.command("backfill")(_backfill)


def _scrape(
    names: Annotated[list[str] | None, typer.Argument(help="Sources of type prometheus-scrape. None: all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list of scrapes.")] = False,
) -> None:
    """Scrape exporters once; a counter's increase is told from its second scrape on.

    Exit codes: 0 all were up, 1 one gave no page, 3 some samples were refused, 4 configuration, 75 try again.
    """
    from cemaphore.collecting import opened_intake
    from cemaphore.exits import Exit, exits
    from cemaphore.settings import load_settings
    from cemaphore.sources import PrometheusScrape, chosen, load_sources
    from collectors.prometheus import scrape

    with exits():
        settings = load_settings()
        sources = chosen(load_sources(settings), PrometheusScrape, names or [])
        with opened_intake(settings) as intake:
            done = [scrape(source.target(settings.home), intake, datetime.now(UTC)) for source in sources]
    _print(done, as_json, _scrape_line)
    if not all(one.up for one in done):
        raise typer.Exit(Exit.FAILURE)
    raise typer.Exit(Exit.PARTIAL if any(one.tally.rows_quarantined for one in done) else Exit.OK)


def _backfill(
    name: Annotated[str, typer.Argument(help="A source of type prometheus-api.", show_default=False)],
    start: Annotated[str, typer.Option(help=_START, show_default=False)],
    end: Annotated[str | None, typer.Option(help="End of the time, with its offset. None: delay_s before now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list of chunks.")] = False,
) -> None:
    """Read the history of a Prometheus server; broken off, the same command goes on where it stopped.

    Exit codes: 0 all in, 1 the server cannot answer it, 3 some was refused, 4 configuration, 75 try again.
    """
    from cemaphore.collecting import opened_intake
    from cemaphore.exits import Exit, exits
    from cemaphore.settings import load_settings
    from cemaphore.sources import PrometheusApi, chosen, load_sources
    from collectors.prometheus import backfill

    begin, given = _moment(start, "--start"), None if end is None else _moment(end, "--end")
    done: list[Chunk] = []
    with exits():
        settings = load_settings()
        source = chosen(load_sources(settings), PrometheusApi, [name])[0]
        with opened_intake(settings) as intake:
            until = given or datetime.now(UTC) - timedelta(seconds=source.delay_s)
            for chunk in backfill(source.target(settings.home), intake, begin, until):
                done.append(chunk)
                if not as_json:
                    typer.echo(_chunk_line(chunk))
    if as_json:
        _print(done, as_json, _chunk_line)
    raise typer.Exit(Exit.PARTIAL if any(chunk.tally.rows_quarantined for chunk in done) else Exit.OK)


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-03-01T00:00:00+08:00.", param_hint=option) from None
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset; write for example {text}+08:00.", param_hint=option)
    return moment


def _print(done: "Iterable[Scrape] | Iterable[Chunk]", as_json: bool, line: object) -> None:
    import json
    from dataclasses import asdict

    if as_json:
        typer.echo(json.dumps([asdict(one) for one in done], default=str))
        return
    for one in done:
        typer.echo(line(one) if callable(line) else "")


def _scrape_line(done: "Scrape") -> str:
    if not done.up:
        return f"{done.source}: away: {done.reason}"
    if done.tally.already_loaded:
        return f"{done.source}: {done.at:%Y-%m-%dT%H:%M:%SZ} is in already"
    told = f"{done.samples} samples, {done.tally.rows_stored} values stored, {done.firsts} counters counted from now on"
    more = f", {done.resets} resets, {done.gone} gone, {done.tally.rows_quarantined} refused"
    return f"{done.source}: {told}{more}"


def _chunk_line(done: "Chunk") -> str:
    span = f"{done.source}: {done.start:%Y-%m-%dT%H:%M:%SZ} to {done.end:%Y-%m-%dT%H:%M:%SZ}"
    if done.already_loaded:
        return f"{span}: in already"
    warned = "".join(f"\n  the server warned: {text}" for text in done.warnings)
    told = f"{done.series} series, {done.tally.rows_stored} values stored, {done.resets} resets, {done.outages} outages"
    return f"{span}: {told}{warned}"
