#!/bin/bash
# The example rules for Prometheus: promtool takes them, each alert comes when it should, and every figure they ask for is
# one that the daemons tell.
set -u
cd "$(dirname "$0")/../.."
command -v promtool >/dev/null || { echo "promtool is not here (Debian package prometheus)"; exit 77; }
promtool check config examples/prometheus/prometheus.yml || exit 1
promtool test rules examples/prometheus/alerts_test.yml || exit 1
for name in $(grep -oE 'cofferdam_[a-z_]+' examples/prometheus/alerts.yml | sort -u); do
    grep -rqF "\"$name\"" sys node coordinator || { echo "no daemon tells $name"; exit 1; }
done
