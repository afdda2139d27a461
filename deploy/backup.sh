#!/bin/sh
# A backup into FOLDER, of which the newest KEEP (14) stay. Works while the core runs.
#
#   sh deploy/backup.sh FOLDER [KEEP]
#
# The configuration is found as by the command itself: GATEHOUSE_CONFIG, else ./gatehouse.yaml. GATEHOUSE names the command.
set -eu
folder=${1:?usage: backup.sh FOLDER [KEEP]}
keep=${2:-14}
case "$keep" in '' | *[!0-9]* | 0) echo "KEEP must be a number above 0" >&2; exit 2 ;; esac
[ -d "$folder" ] || (umask 077 && mkdir -p "$folder")
# Where the backup fails the script ends here, and the old ones stay.
${GATEHOUSE:-gatehouse} backup "$folder/gatehouse-$(date -u +%Y%m%dT%H%M%SZ).backup"
# Only files of our own form, the oldest beyond KEEP; their names sort by time.
find "$folder" -maxdepth 1 -type f -name 'gatehouse-[0-9]*T[0-9]*Z.backup' | sort -r | tail -n "+$((keep + 1))" |
  while IFS= read -r old; do rm -- "$old"; done
