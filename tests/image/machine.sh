#!/usr/bin/env bash
# Runs a command with containers that work on this machine: tests/image/machine.sh make image TARGET=cpu
#
# All that is particular to a machine is here, as parameters and temporary files; Dockerfile and chart know none of it.
#   MACHINE_RUNTIME  program that starts containers               (runc)
#   MACHINE_ULIMITS  for machines that may not raise their own    ("nofile=20000:20000" "nproc=4096:4096")
#   MACHINE_STORAGE  folder for images, apart from the user's own (~/.cache/thaw/containers)
#   MACHINE_BASE     base image; without a registry one is made of Debian's packages, once (Dockerfile's own)
#   MACHINE_CA       certificates for the package registry, seen by build steps only  ($PIP_CERT)
#   MACHINE_WHEELS   folder of wheels, seen by build steps only   ($PIP_FIND_LINKS)
set -euo pipefail

die() {
    echo "machine.sh: $*" >&2
    exit 2
}

runtime=${MACHINE_RUNTIME:-runc}
ulimits=${MACHINE_ULIMITS:-'"nofile=20000:20000", "nproc=4096:4096"'}
storage=${MACHINE_STORAGE:-${XDG_CACHE_HOME:-$HOME/.cache}/thaw/containers}
ca=${MACHINE_CA-${PIP_CERT-}}
wheels=${MACHINE_WHEELS-${PIP_FIND_LINKS-}}
dockerfile=$(dirname "${BASH_SOURCE[0]}")/../../Dockerfile

for program in podman "$runtime" iptables catatonit; do # netavark calls the one, pods the other
    command -v "$program" >/dev/null || die "$program is not installed: apt-get install podman runc netavark iptables catatonit"
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$storage"
cat >"$scratch/containers.conf" <<END
[containers]
default_ulimits = [$ulimits]
log_driver = "k8s-file"
[engine]
runtime = "$runtime"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
cat >"$scratch/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$storage/graph"
runroot = "$scratch/run"
END
export DISABLE_HC_SYSTEMD=true # no timers where no systemd runs; `podman healthcheck run` works without
export CONTAINERS_CONF=$scratch/containers.conf CONTAINERS_STORAGE_CONF=$scratch/storage.conf
podman info >"$scratch/info" 2>&1 || die "podman cannot start here: $(tail -n 1 "$scratch/info")"

make_base() { # a stand-in for the Dockerfile's base: Debian with Python, and nothing else
    command -v mmdebstrap >/dev/null || die "no registry, and no mmdebstrap to make a base of: apt-get install mmdebstrap"
    echo "machine.sh: no registry at hand; making $1 of Debian's packages ..." >&2
    mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3.11,python3.11-venv,python3-venv \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$scratch/base.tar" >&2
    podman import --quiet "$scratch/base.tar" "$1" >/dev/null
    rm "$scratch/base.tar"
}

base=${MACHINE_BASE-}
if [ -z "$base" ]; then
    base=$(sed -n 's/^ARG PYTHON_IMAGE=//p' "$dockerfile")
    if ! podman image exists "$base" && ! timeout 20 podman pull --quiet "$base" >/dev/null 2>&1; then
        base=localhost/python:3.11-slim
        podman image exists "$base" || make_base "$base"
    fi
fi

# pip's own configuration file, laid over build steps: nothing of it stays in the image.
flags=(--format docker --runtime "$runtime" --isolation oci --build-arg "PYTHON_IMAGE=$base")
echo "[global]" >"$scratch/pip.conf"
if [ -f "$ca" ]; then
    echo "cert = /etc/ssl/certs/machine.crt" >>"$scratch/pip.conf"
    flags+=(--volume "$ca:/etc/ssl/certs/machine.crt:ro")
fi
if [ -d "$wheels" ]; then
    echo "find-links = /wheels" >>"$scratch/pip.conf"
    flags+=(--volume "$wheels:/wheels:ro")
fi
flags+=(--volume "$scratch/pip.conf:/etc/pip.conf:ro")
export CONTAINER=podman IMAGE_FLAGS="${flags[*]}" MACHINE_PYTHON_IMAGE=$base

"$@"
