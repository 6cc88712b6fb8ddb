"""Workers count together: what one that died had counted stays, what it had in flight does not."""

import os
import subprocess
import sys

COUNTING = """
import os
from allotment.serve.metrics import Metrics
metrics = Metrics()
metrics.snapshots.inc(3)
metrics.in_flight.inc()
os._exit(0)
"""
TELLING = """
from allotment.serve.metrics import Metrics
metrics = Metrics()
metrics.snapshots.inc(4)
metrics.in_flight.inc()
print(metrics.text().decode())
"""


def test_what_a_dead_worker_has_counted_stays_and_what_it_had_in_flight_does_not(tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", COUNTING], env=environment, check=True, timeout=60)
    assert len(list(tmp_path.glob("gauge_livesum_*.db"))) == 1
    told = subprocess.run(
        [sys.executable, "-c", TELLING], env=environment, check=True, timeout=60, capture_output=True, text=True
    )
    assert "allotment_snapshots_answered_total 7.0" in told.stdout
    assert "allotment_http_requests_in_flight 1.0" in told.stdout
