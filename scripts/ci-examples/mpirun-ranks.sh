#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Records every rank of an MPI program on one machine and makes one timeline and one report of them.
#
#   mpirun-ranks.sh OUT RANKS PROGRAM [ARGUMENT...]
#
# RIDGE: the ridge to use (ridge in PATH); MPIRUN: the launcher with its options (mpirun).
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: mpirun-ranks.sh OUT RANKS PROGRAM [ARGUMENT...]" >&2; exit 2; }
out=$1 ranks=$2
shift 2
ridge=${RIDGE:-ridge}
mkdir -p "$out"
status=0 report=0
${MPIRUN:-mpirun} -n "$ranks" "$ridge" record -q --force -o "$out/rank-%q{OMPI_COMM_WORLD_RANK}.sqlite" -- "$@" || status=$?
"$ridge" merge -q --force "$out"/rank-*.sqlite -o "$out/all.sqlite" &&
    "$ridge" analyze --force "$out/all.sqlite" --json "$out/report.json" --html "$out/report.html" || report=$?
[ "$status" != 0 ] || status=$report
exit "$status"
