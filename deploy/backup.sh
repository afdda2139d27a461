#!/bin/sh
# Writes a backup into FOLDER and keeps the newest KEEP (14) backups. Works while the core runs.
#
#   sh deploy/backup.sh FOLDER [KEEP]
#
# The configuration is GATEHOUSE_CONFIG, else ./gatehouse.yaml, as for the gatehouse command. GATEHOUSE is that command.
set -eu
folder=${1:?usage: backup.sh FOLDER [KEEP]}
keep=${2:-14}
case "$keep" in '' | *[!0-9]* | 0) echo "KEEP must be a number above 0" >&2; exit 2 ;; esac
[ -d "$folder" ] || (umask 077 && mkdir -p "$folder")
# If the backup fails, the script ends here and deletes no older backup.
${GATEHOUSE:-gatehouse} backup "$folder/gatehouse-$(date -u +%Y%m%dT%H%M%SZ).backup"
# Retention: deletes only files with the names of this script, the oldest beyond KEEP; the names sort by time.
find "$folder" -maxdepth 1 -type f -name 'gatehouse-[0-9]*T[0-9]*Z.backup' | sort -r | tail -n "+$((keep + 1))" |
  while IFS= read -r old; do rm -- "$old"; done
