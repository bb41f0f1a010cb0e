#!/bin/bash
# Packs each directory in params.source into params.target, one archive each; carries on after the last one that is done.
set -euo pipefail && shopt -s nullglob
request=$(cat)
get() { jq -er "$1" <<<"$request"; }
source=$(get .params.source) && target=$(get .params.target) && cd "$target" && cd "$source" || exit 64
directories=(*/) total=${#directories[@]}
for ((n = $(get '.checkpoint // 0'); n < total; n++)); do
    name=${directories[n]%/}
    jq -nc --arg i "$name" "{type: \"progress\", phase: \"pack\", current: $n, total: $total, item: \$i}"
    tar -czf "$target/.$name.tmp" -- "$name"
    mv -- "$target/.$name.tmp" "$target/$name.tar.gz"
    jq -nc "{type: \"checkpoint\", value: $((n + 1))}"
done
jq -nc "{type: \"progress\", current: $total, total: $total}, {type: \"result\", value: {archives: $total}}"
