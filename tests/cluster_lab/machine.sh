#!/usr/bin/env bash
# The first process of a machine, in namespaces of its own: what it must not share with the others is put over the
# host's, then its SSH server and its metadata service run until the machine is killed.
set -euo pipefail
laboratory=$1 name=$2
machine=$laboratory/machines/$name

mount --make-rprivate /
hostname "$name"
mount --bind "$laboratory/passwd" /etc/passwd
mount --bind "$machine/tmp" /tmp
mount -t tmpfs -o size=2g tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd

"$LAB_PYTHON" -P "$laboratory/metadata.py" "$machine" "$name" &
exec /usr/sbin/sshd -D -e -f "$laboratory/sshd_config"
