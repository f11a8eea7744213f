"""Drives the Python client: push.py ACTION URL JOB GROUPING VALUE

PUSH_TOKEN, or PUSH_USER and PUSH_PASSWORD, in the environment sign in. With
PUSH_FORMAT=openmetrics the client's text is replaced by its OpenMetrics, which its
own push functions can't send.
"""

import json
import os
import sys

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    Summary,
    delete_from_gateway,
    push_to_gateway,
    pushadd_to_gateway,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.exposition import basic_auth_handler, default_handler


def everything(value):
    registry = CollectorRegistry()
    gauge = Gauge("backup_bytes", 'Size of the "last" backup\nin \\ bytes.', ["table"], registry=registry)
    gauge.labels('a "b"\n\\ü').set(value)
    gauge.labels("").set(float("inf"))
    Counter("backups", "Backups so far.", registry=registry).inc(value)
    histogram = Histogram("backup_seconds", "Duration.", buckets=[0.5, 1, 10], registry=registry)
    summary = Summary("backup_wait_seconds", "Wait.", registry=registry)
    for seconds in 0.25, 2, 64:
        histogram.observe(seconds)
        summary.observe(seconds)
    Info("backup", "Version.", registry=registry).info({"version": "1.2"})
    Enum("backup_state", "State.", states=["idle", "busy"], registry=registry).state("busy")
    return registry


def one(value):
    registry = CollectorRegistry()
    Gauge("last_success", "Time of the last success.", registry=registry).set(value)
    return registry


def huge():
    registry = CollectorRegistry()
    gauge = Gauge("huge", "Too large.", ["text"], registry=registry)
    for i in range(17):
        gauge.labels(str(i) + "x" * 1_000_000).set(1)
    return registry


rendered = None  # the registry that is pushed


def handler(url, method, timeout, headers, data):
    """Does what the environment says."""
    if data and os.environ.get("PUSH_FORMAT") == "openmetrics":
        headers = [("Content-Type", openmetrics.CONTENT_TYPE_LATEST)]
        data = openmetrics.generate_latest(rendered)
    if user := os.environ.get("PUSH_USER"):
        return basic_auth_handler(url, method, timeout, headers, data, user, os.environ["PUSH_PASSWORD"])
    if token := os.environ.get("PUSH_TOKEN"):
        headers = [*headers, ("Authorization", "Bearer " + token)]
    return default_handler(url, method, timeout, headers, data)


action, url, job, grouping, value = sys.argv[1:]
grouping, value = json.loads(grouping), float(value)
if action == "push":
    rendered = everything(value)
    push_to_gateway(url, job, rendered, grouping_key=grouping, handler=handler)
elif action == "add":
    rendered = one(value)
    pushadd_to_gateway(url, job, rendered, grouping_key=grouping, handler=handler)
elif action == "huge":
    push_to_gateway(url, job, huge(), grouping_key=grouping, handler=handler)
elif action == "delete":
    delete_from_gateway(url, job, grouping_key=grouping, handler=handler)
else:
    sys.exit("unknown action " + action)
