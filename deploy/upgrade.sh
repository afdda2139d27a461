#!/bin/sh
# Upgrades Gatehouse in a checkout: a backup first, then the new version and its packages.
#
#   sh deploy/upgrade.sh [BACKUP_FOLDER]        in the folder of the checkout; ./data/backups by default
#
# STOP and START are the commands for your service, such as STOP='sudo systemctl stop gatehouse'. Without them stop the core
# before the upgrade and start it afterwards. If the backup fails, nothing is changed. The previous version is printed at the
# end. To roll back to it and to the backup: git checkout VERSION && npm ci && npx gatehouse restore BACKUP.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-data/backups}
before=$(git rev-parse HEAD)
[ -z "$(git status --porcelain --untracked-files=no)" ] || {
  echo "tracked files are changed here: commit them or put them back first" >&2
  exit 1
}
GATEHOUSE=${GATEHOUSE:-npx gatehouse} sh deploy/backup.sh "$folder"
${STOP:-true}
# From here on the service is started again, also after a failure.
failed() {
  echo "the upgrade failed, going back to $before" >&2
  git checkout --quiet "$before" && npm ci
  ${START:-true}
  exit 1
}
git pull --ff-only && npm ci || failed
${START:-true}
echo "upgraded; before: $before, backup: $(find "$folder" -name 'gatehouse-*.backup' | sort | tail -n 1)"
