#!/bin/sh
# Writes the service files of this machine, with the paths of gatehouse and Node that it finds on PATH.
#
#   sh deploy/install-service.sh systemd [FOLDER]    units for /etc/systemd/system, or another FOLDER
#   sh deploy/install-service.sh launchd [FOLDER]    property lists for ~/Library/LaunchAgents, or another FOLDER
#
# The services are not started: the commands to start them are printed. Set GATEHOUSE to the path of the command if it is not on PATH.
set -eu
kind=${1:-}
here=$(cd "$(dirname "$0")" && pwd)
program=${GATEHOUSE:-$(command -v gatehouse || true)}
[ -n "$program" ] && [ -x "$program" ] || {
  echo "gatehouse is not on PATH: npm install --global the package, or set GATEHOUSE to the command" >&2
  exit 1
}
node=$(command -v node) || { echo "node is not on PATH" >&2; exit 1; }
path="$(dirname "$node"):$(dirname "$program"):/usr/local/bin:/usr/bin:/bin"
case "$kind" in
  systemd) folder=${2:-/etc/systemd/system} ;;
  launchd) folder=${2:-$HOME/Library/LaunchAgents} ;;
  *) sed -n '3,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
mkdir -p "$folder"
for file in "$here/$kind"/*; do
  sed -e "s|/usr/local/bin/gatehouse|$program|g" -e "s|/usr/local/lib/node_modules/gatehouse/deploy/backup.sh|$here/backup.sh|g" \
    -e "s|NODE_ENV=production|NODE_ENV=production PATH=$path|" \
    -e "s|/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin|$path|g" -e "s|/Users/YOU|$HOME|g" \
    "$file" > "$folder/$(basename "$file")"
  echo "wrote $folder/$(basename "$file")"
done
case "$kind:$program" in
  systemd:/home/* | systemd:/root/*)
    echo "warning: $program is in a home folder, which the units cannot read (ProtectHome): install the package for all" >&2 ;;
esac
if [ "$kind" = systemd ]; then
  echo "then: systemctl daemon-reload && systemctl enable --now gatehouse gatehouse-backup.timer (several workers: gatehouse@PORT, docs/cluster.md)"
else
  echo "then: mkdir -pm 700 ~/.gatehouse && launchctl bootstrap gui/\$(id -u) $folder/gatehouse.core.plist"
fi
