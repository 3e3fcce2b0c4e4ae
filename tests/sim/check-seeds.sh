#!/bin/sh
# check-seeds.sh - whole gateways on simulated time: two thousand seeds, always the same ones,
# and those that found something once
#
# A seed that fails prints what was broken; `SIM_TRACE=1 build/release/tests/sim/sim
# tests/sim/redis.lua shared/parley.lua SEED` tells how it came to that.
set -eu
cd "$(dirname "$0")/../.."
sim=${PARLEY_RELEASE:-build/release}/tests/sim/sim
# told twice of a loss; a name that a replica has brought back; told for the group and for oneself
found="62001794 163000159 163000222"
said=$(mktemp)
trap 'rm -f "$said"' EXIT
"$sim" tests/sim/redis.lua shared/parley.lua 1 1000 >"$said" 2>&1 &
half=$!
status=0
"$sim" tests/sim/redis.lua shared/parley.lua 1001 1000 || status=1
wait $half || status=1
cat "$said"
for seed in $found; do
    "$sim" tests/sim/redis.lua shared/parley.lua "$seed" || status=1
done
exit $status
