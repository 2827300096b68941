"""A Spark session: the one that there is (spark-submit, a notebook), or one of our own that is gone in the end."""

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from records.errors import ConfigError

_LOCAL = "local"  # masters local[...] and local-cluster[...]: all on this machine
_LOOPBACK = "127.0.0.1"


@contextmanager
def spark_session(master: str, folder: Path) -> Iterator[Any]:
    """Give the active session, or one with that master; what Spark spills lies in `folder` where it runs here.

    Raises `ConfigError` without pyspark or Java, or where Spark does not start.
    """
    sql = _pyspark_sql()
    active = sql.SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    session = _started(sql, master, folder)
    try:
        yield session
    finally:
        session.stop()
        _end_java()


@contextmanager
def quiet_about_pandas() -> Iterator[None]:
    """Keep pyspark from warning of a pandas that it does not know yet: no pandas frame passes through it here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def _pyspark_sql() -> Any:
    try:
        with quiet_about_pandas():
            from pyspark import sql
    except ModuleNotFoundError:
        raise ConfigError("Spark needs pyspark: install the program as `cemaphore[spark]`.") from None
    return sql


def _started(sql: Any, master: str, folder: Path) -> Any:
    if not _java():
        raise ConfigError(
            "Spark needs Java 17 or later, and there is no `java`: install one (Debian and Ubuntu: "
            "openjdk-17-jre-headless), or set JAVA_HOME."
        )
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # Spark would take the first python3 of the PATH
    builder = sql.SparkSession.builder.master(master).appName("cemaphore score")
    options = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
    if master.startswith(_LOCAL):
        os.environ.setdefault("SPARK_LOCAL_IP", _LOOPBACK)
        options |= {
            "spark.driver.host": _LOOPBACK,
            "spark.driver.bindAddress": _LOOPBACK,
            "spark.local.dir": str(folder),
        }
    try:
        with quiet_about_pandas():
            return builder.config(map=options).getOrCreate()
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"Spark did not start with the master {master}: {reason}") from error


def _java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return "PYSPARK_GATEWAY_PORT" in os.environ or shutil.which("java", path=home and f"{home}/bin") is not None


def _end_java() -> None:
    """End the Java process that pyspark would leave to the end of this one; the next session starts another."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    process = getattr(gateway, "proc", None)
    if process is None:
        return
    gateway.shutdown()
    SparkContext._gateway = SparkContext._jvm = None
    process.stdin.close()  # it ends when this does
    process.wait()
