#!/usr/bin/env bash
# Sets up Docker on a bare Debian machine, as root, without a container registry.
#
#   scripts/debian-docker.sh engine        install and start an engine, unless one answers
#   scripts/debian-docker.sh base [NAME]   make a base image of Debian's packages, unless it exists
#
# Then: export GRADER_BASE_IMAGE=NAME (grader-base:trixie), and `grader image build`.
set -euo pipefail

readonly SUITE=trixie   # its Python is 3.13
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
    # Without control groups no limit holds. An init system would have mounted them.
    mountpoint -q /sys/fs/cgroup || cgroupfs-mount
    # In a session of its own and without our files, so that no caller waits for it to end.
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
    # The image gets this machine's certificates, so that pip works in it behind the same proxy.
    mmdebstrap --quiet --variant=minbase \
        --include=python3,python3-venv,python3-pip,ca-certificates \
        --customize-hook="copy-in $CERTIFICATES /etc/ssl/certs/" "$SUITE" - |
        docker import --change "ENV PIP_CERT=$CERTIFICATES" - "$name"
    # Older instructions export this name: it is the same image, and its Debian is newer.
    docker tag "$name" grader-base:bookworm
}

case "${1:-}" in
    engine) engine ;;
    base) base "${2:-}" ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
