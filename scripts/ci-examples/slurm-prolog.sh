#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Slurm HealthCheckProgram (or Prolog): is this node fit to compute? Slurm ends a HealthCheckProgram after
# 60 s, so the check is given 50. A node that is not fit is drained with the reason; one that cannot be judged
# (no reference of its kind, nothing installed) is left as it is.
#
#   slurm.conf: HealthCheckProgram=/usr/local/sbin/slurm-prolog.sh  HealthCheckInterval=86400  HealthCheckNodeState=IDLE
#
# RIDGE: the ridge to use (ridge in PATH). REFERENCE: what a good node of this kind reaches, as
# `ridge health -o reference.json` writes it there; or a folder of such files of the fleet.
set -uo pipefail
ridge=${RIDGE:-ridge}
reference=${REFERENCE:-/etc/ridge/reference.json}
said=$("$ridge" health --reference "$reference" --budget 50 --nagios 2>/dev/null)
case "$said" in
    "RIDGE CRITICAL"*)
        reason=${said%%|*}
        scontrol update NodeName="${SLURMD_NODENAME:-$(hostname -s)}" State=DRAIN Reason="${reason:0:200}"
        ;;
esac
exit 0
