#!/bin/sh
# Runs once, when the data folder of the primary is made: the login of the standby, and commits that wait for it. The
# setting is read at the next start: the server that makes the database has no standby yet.
set -eu
psql -v ON_ERROR_STOP=1 -v "password=$REPLICATION_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
create role replicator replication login password :'password';
alter system set synchronous_standby_names = 'standby';
SQL
echo "host replication replicator all scram-sha-256" >> "$PGDATA/pg_hba.conf"
