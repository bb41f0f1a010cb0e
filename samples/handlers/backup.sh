#!/bin/bash
# Packs each directory in params.source into params.target, one archive each; carries on after the last one that is done.
set -euo pipefail
request=$(cat)
get() { jq -er "$1" <<<"$request"; }
source=$(get .params.source) && target=$(get .params.target) && last=$(get '.checkpoint // 0') || exit 64
directories=("$source"/*/)
for ((n = last; n < ${#directories[@]}; n++)); do
    name=$(basename "${directories[n]}")
    jq -nc --arg i "$name" "{type: \"progress\", phase: \"pack\", current: $n, total: ${#directories[@]}, item: \$i}"
    tar -czf "$target/.$name.tmp" -C "$source" -- "$name" && mv -- "$target/.$name.tmp" "$target/$name.tar.gz"
    jq -nc "{type: \"checkpoint\", value: $((n + 1))}"
done
jq -nc "{type: \"result\", value: {archives: ${#directories[@]}}}"
