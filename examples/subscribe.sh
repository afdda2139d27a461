#!/bin/sh
# Subscribing from a shell, with the nats command (https://github.com/nats-io/natscli).
# The server is NATS_URL (with NATS_USER and NATS_PASSWORD), else the one that the core runs: its address and password are
# in nats/connection.json in the data folder, GATEHOUSE_DATA or ./data. Without both it is that of the command's context.
#
#   sh examples/subscribe.sh live              every event as it happens
#   sh examples/subscribe.sh all               every event of the last 7 days, then as they happen
#   sh examples/subscribe.sh user ann          the same for one user
#   sh examples/subscribe.sh ends              only how jobs ended, as they end
#   sh examples/subscribe.sh tokens            answers while they are written
#   sh examples/subscribe.sh submit "message"  a request, answered with the id of the job
#   sh examples/subscribe.sh service           who serves requests, and how busy
set -eu

own="${GATEHOUSE_DATA:-data}/nats/connection.json"
if [ -z "${NATS_URL:-}" ] && [ -r "$own" ]; then
  value() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$own"; }
  NATS_URL=$(value url) NATS_USER=$(value user) NATS_PASSWORD=$(value password)
  export NATS_URL NATS_USER NATS_PASSWORD
fi

case "${1:-live}" in
  live)    exec nats sub 'gatehouse.v1.live.>' ;;
  all)     exec nats sub --all 'gatehouse.v1.evt.>' ;;
  user)    exec nats sub --all "gatehouse.v1.evt.${2:?user}.>" ;;
  ends)    exec nats sub 'gatehouse.v1.live.*.*.done' ;;
  tokens)  exec nats sub 'gatehouse.v1.tok.>' ;;
  submit)  exec nats req 'gatehouse.v1.svc.job.submit' "{\"message\": \"${2:?message}\"}" ;;
  service) exec nats micro stats gatehouse ;;
  *)       sed -n '3,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
