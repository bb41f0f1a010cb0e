#!/bin/bash
# Brings what a Singer tap reads to params.target by records.sync: params.tap is its command, params.config its configuration, into
# which params.secrets puts what variables hold. Needs jq, and jobspool-records on the PATH.
set -euo pipefail
umask 077
request=$(cat) config=$JOBSPOOL_WORK_DIR/config.json
jq -e '.params | select((.tap | type) == "array") | .config + (.secrets // {} | map_values($ENV[.] // error("\(.) is not set")))' \
    <<<"$request" >"$config" || exit 64
exec jobspool-records records.sync < <(jq -c --arg config "$config" '
    .params |= {source: {command: (.tap + ["--config", $config])}} + del(.tap, .config, .secrets)' <<<"$request")
