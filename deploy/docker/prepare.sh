#!/bin/sh
# Creates the settings of the containers from the examples, with new passwords: .env and deploy/docker/*.yaml.
# Existing files are not overwritten, and .env gets the passwords that it lacks, so you may run it again after an upgrade
# (idempotent).
set -eu
cd "$(dirname "$0")/../.."
umask 077
# A password begins with a letter: the NATS server reads a value that begins with a digit as a number.
secret() { echo "p$(od -An -tx1 -N24 /dev/urandom | tr -d ' \n')"; }
if [ ! -e .env ]; then
  while IFS= read -r line; do
    case "$line" in
      *_PASSWORD= | GATEHOUSE_API_KEY=) echo "$line$(secret)" ;;
      *) echo "$line" ;;
    esac
  done < deploy/docker/env.example > .env.new
  mv .env.new .env
  echo "made .env: fill in the rest"
fi
# The file of an earlier version has no line for a password that came later.
for name in $(sed -n 's/^\([A-Z_]*_PASSWORD\)=$/\1/p' deploy/docker/env.example); do
  grep -Eq "^[[:space:]]*(export[[:space:]]+)?$name[[:space:]]*=" .env && continue
  [ -z "$(tail -c 1 .env)" ] || echo >> .env
  echo "$name=$(secret)" >> .env
  echo "added $name to .env"
done
for example in deploy/docker/*.yaml.example; do
  settings="${example%.example}"
  [ -e "$settings" ] && continue
  cp "$example" "$settings"
  # The user of the container must be able to read these files. Secrets are in .env only.
  chmod 644 "$settings"
  echo "made $settings"
done
