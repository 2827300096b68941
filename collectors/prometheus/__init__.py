"""Prometheus: exporters that are scraped, and servers whose history is read."""

from collectors.prometheus.backfilling import Chunk, backfill, catch_up
from collectors.prometheus.scraping import Scrape, Scraper, scrape
from collectors.prometheus.targets import Access, ScrapeTarget, ServerTarget

__all__ = ["Access", "Chunk", "Scrape", "ScrapeTarget", "Scraper", "ServerTarget", "backfill", "catch_up", "scrape"]
