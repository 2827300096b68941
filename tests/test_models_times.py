"""Web, messaging, file, payment and gaming against their anchors and published values."""

import numpy as np
import pytest

from qoe.models import file_transfer, g1030_web, messaging, payment
from records.kinds import ACCESSES


def columns(**values: float) -> dict[str, np.ndarray]:
    return {name: np.array([value]) for name, value in values.items()}


@pytest.mark.parametrize(
    ("access", "seconds", "mos"),
    [("lte", 1, 4.27), ("nr", 2, 3.00), ("wlan", 3, 2.26), ("fixed", 4, 1.74), ("lte", 0.5, 5.0), ("lte", 6, 1.0),
     ("umts", 5, 4.21), ("gsm", 10, 3.57), ("umts", 30, 2.54), ("gsm", 60, 1.89), ("gsm", 155, 1.0)],
)  # fmt: skip
def test_web(access: str, seconds: float, mos: float) -> None:
    session = columns(page_load_ms=1000 * seconds, access=ACCESSES.index(access))
    assert g1030_web.MODEL.mos(session)[0] == pytest.approx(mos, abs=5.1e-3)
    assert not g1030_web.MODEL.provisional(session)[0]


def test_web_over_an_unknown_access_takes_the_fast_anchors_and_says_so() -> None:
    session = columns(page_load_ms=2000.0, access=-1)
    assert g1030_web.MODEL.mos(session)[0] == pytest.approx(3.00, abs=5.1e-3)
    assert g1030_web.MODEL.provisional(session)[0]


def test_messages_by_time_and_failures_at_the_bottom() -> None:
    mos = messaging.MODEL.mos
    assert mos(columns(success=1, deliver_ms=1000.0))[0] == pytest.approx(5.0)
    assert mos(columns(success=1, deliver_ms=15_000.0))[0] == pytest.approx(1.0)
    assert mos(columns(success=1, deliver_ms=1000 * 15**0.5))[0] == pytest.approx(3.0)
    assert mos(columns(success=0, deliver_ms=np.nan))[0] == 1.0
    assert np.isnan(mos(columns(success=1, deliver_ms=np.nan))[0])


def test_files_by_rate_in_their_direction() -> None:
    mos = file_transfer.MODEL.mos
    down = {"bytes_dl": 1e6, "bytes_ul": 1e3}
    up = {"bytes_dl": 1e3, "bytes_ul": 1e6}
    rates = {"throughput_dl_kbps": 10_000.0, "throughput_ul_kbps": 500.0}
    assert mos(columns(**down, **rates))[0] == pytest.approx(3.0)
    assert mos(columns(**up, **rates))[0] == pytest.approx(1.0)
    assert mos(columns(throughput_ul_kbps=50_000.0))[0] == pytest.approx(5.0)
    assert file_transfer.MODEL.provisional(columns(**rates))[0]
    assert not file_transfer.MODEL.provisional(columns(**down, **rates))[0]


def test_payments_by_page_or_by_the_sum_of_their_steps() -> None:
    mos = payment.MODEL.mos
    assert mos(columns(success=1, page_load_ms=10**3.5))[0] == pytest.approx(3.0)
    steps = columns(success=1, dns_ms=100.0, connect_ms=300.0, tls_ms=600.0, ttfb_ms=10**3.5 - 1000)
    assert mos(steps)[0] == pytest.approx(3.0)
    assert payment.MODEL.provisional(steps)[0]
    assert mos(columns(success=0))[0] == 1.0
    assert np.isnan(mos(columns(success=1))[0])
