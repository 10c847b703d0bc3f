#!/bin/sh
# Installs the Debian packages that the test cluster needs and this machine lacks, or those that are named: `install-debian.sh chromium`
# for the tests of the page. Quick and silent when none is missing.
set -eu

packages='containernetworking-plugins iptables iproute2 conntrack busybox-static libseccomp-dev pkg-config gcc libc6-dev openssl tar ca-certificates'
[ $# -gt 0 ] && packages="$*"
missing=''
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  case "$status" in
    ii*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ]; then
  echo "install-debian.sh: run as root to install:$missing" >&2
  exit 1
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# An old package list names versions that are gone; a new machine has no list at all.
apt-get update -qq >&2
# shellcheck disable=SC2086 # one word per package
apt-get install -y -qq --no-install-recommends $missing >&2
