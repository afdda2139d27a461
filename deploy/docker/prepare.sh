#!/bin/sh
# Makes the settings of the containers from the examples, with new passwords: .env and deploy/docker/*.yaml.
# What is there already stays as it is, so it may be run again after an upgrade.
set -eu
cd "$(dirname "$0")/../.."
umask 077
if [ ! -e .env ]; then
  # A password begins with a letter: the NATS server reads what begins with a digit as a number.
  secret() { echo "p$(od -An -tx1 -N24 /dev/urandom | tr -d ' \n')"; }
  while IFS= read -r line; do
    case "$line" in
      *_PASSWORD= | GATEHOUSE_API_KEY=) echo "$line$(secret)" ;;
      *) echo "$line" ;;
    esac
  done < deploy/docker/env.example > .env.new
  mv .env.new .env
  echo "made .env: fill in the rest"
fi
for example in deploy/docker/*.yaml.example; do
  settings="${example%.example}"
  [ -e "$settings" ] && continue
  cp "$example" "$settings"
  # Read by the user of the container. Secrets are in .env only.
  chmod 644 "$settings"
  echo "made $settings"
done
