#!/usr/bin/env bash
# distributed 2026.8.0: `dask scheduler --no-dashboard` listens on the dashboard's port, 8787, all the same: it serves health
# and metrics there, and the option only leaves the pages out. One would have guessed that without a dashboard its port
# is free; two schedulers on one machine then warn of each other, which a run with warnings as errors ends at.
set -euo pipefail
work="$(mktemp -d)"
trap 'kill "$scheduler" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q distributed==2026.8.0 dask==2026.8.0
cd "$work"
if (exec 3<>/dev/tcp/127.0.0.1/8787) 2>/dev/null; then
  echo "something else has port 8787 here: end it first" >&2
  exit 1
fi
venv/bin/dask scheduler --port 0 --no-dashboard --scheduler-file "$work/scheduler.json" >scheduler.txt 2>&1 &
scheduler=$!
for _ in $(seq 100); do
  [ -s scheduler.json ] && break
  sleep 0.2
done
sleep 1
if ! (exec 3<>/dev/tcp/127.0.0.1/8787) 2>/dev/null; then
  echo "this has changed: without a dashboard nothing listens on 8787" >&2
  exit 1
fi
echo "with --no-dashboard something listens on 8787:"
venv/bin/python - <<'PY'
from urllib.request import urlopen

said = urlopen("http://127.0.0.1:8787/health", timeout=10).read().decode()
print("  /health says", said)
if said != "ok":
    raise SystemExit("this has changed")
PY
