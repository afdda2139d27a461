#!/bin/sh
# Copies the primary at the first start, and follows it. Commits wait for this server by its application_name.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  umask 077
  mkdir -p "$PGDATA"
  # A copy that was interrupted is made again.
  rm -rf "${PGDATA:?}"/*
  PGPASSWORD="$REPLICATION_PASSWORD" pg_basebackup -d "host=primary user=replicator application_name=standby" \
    -D "$PGDATA" -R -X stream --checkpoint=fast
fi
exec postgres -D "$PGDATA"
