"""Reads OpenMetrics as the reference parser does: from the standard input, and
writes a line of JSON for each sample."""

import json
import sys

from prometheus_client.openmetrics.parser import text_fd_to_metric_families

for family in text_fd_to_metric_families(sys.stdin):
    for sample in family.samples:
        print(json.dumps([sample.name, sample.labels, str(sample.value)]))
