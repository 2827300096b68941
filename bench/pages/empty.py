"""The peer of bench.screens: a page with nothing on it that asks the database `select 1`."""

from dashboards.database import reading

with reading("cem_admin").connection() as connection:
    connection.execute("SELECT 1")
