#!/usr/bin/env bash
# Docker for the grader on a bare Debian machine, as root, without a container registry.
#
#   scripts/debian-docker.sh engine        install an engine and start it, unless one answers
#   scripts/debian-docker.sh base [NAME]   make a base image from Debian's packages, unless it is there
#
# Then: export GRADER_BASE_IMAGE=NAME (grader-base:bookworm), and `grader image build`.
set -euo pipefail

readonly SUITE=bookworm
readonly LOG=${DOCKERD_LOG:-/var/log/dockerd.log}
readonly CERTIFICATES=/etc/ssl/certs/ca-certificates.crt

answers() { docker info >/dev/null 2>&1; }

engine() {
    answers && return
    if ! command -v dockerd >/dev/null; then
        apt-get update
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
            docker.io iptables cgroupfs-mount ca-certificates
    fi
    # Where no init system did it: control groups, without which no limit holds.
    mountpoint -q /sys/fs/cgroup || cgroupfs-mount
    # Of its own session and with no file of ours open, so that nobody waits for it.
    setsid dockerd >"$LOG" 2>&1 </dev/null &
    for _ in $(seq 60); do
        answers && return
        sleep 1
    done
    tail -n 20 "$LOG" >&2
    echo "dockerd did not answer within a minute; the end of $LOG is above" >&2
    return 1
}

base() {
    local name=${1:-grader-base:$SUITE}
    docker image inspect "$name" >/dev/null 2>&1 && return
    if ! command -v mmdebstrap >/dev/null; then
        apt-get update
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mmdebstrap
    fi
    # This machine's certificates go in, so that pip works behind the same proxy as out here.
    mmdebstrap --quiet --variant=minbase \
        --include=python3,python3-venv,python3-pip,ca-certificates \
        --customize-hook="copy-in $CERTIFICATES /etc/ssl/certs/" "$SUITE" - |
        docker import --change "ENV PIP_CERT=$CERTIFICATES" - "$name"
}

case "${1:-}" in
    engine) engine ;;
    base) base "${2:-}" ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
