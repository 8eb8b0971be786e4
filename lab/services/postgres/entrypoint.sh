#!/bin/sh
# Makes the cluster at the first start, then becomes the server.
set -eu

as_postgres() {
    setpriv --reuid=postgres --regid=postgres --init-groups --no-new-privs "$@"
}

install -d -o postgres -g postgres -m 0700 "$(dirname "$PGDATA")"
install -d -o postgres -g postgres -m 2775 /run/postgresql

if [ ! -d "$PGDATA" ]; then
    # Renamed when complete, so that an interrupted start leaves nothing that looks like a cluster.
    new="$PGDATA.new"
    rm -rf "$new"
    as_postgres initdb --pgdata="$new" --username=platform_admin --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 --no-sync
    echo 'host all all all scram-sha-256' >> "$new/pg_hba.conf"
    # Only root can read the secret, so it goes in through a pipe.
    printf "ALTER ROLE platform_admin PASSWORD '%s';\nCREATE DATABASE platform_db;\n" \
        "$(cat /run/secrets/postgres_password)" | as_postgres postgres --single -D "$new" postgres
    mv "$new" "$PGDATA"
fi

exec setpriv --reuid=postgres --regid=postgres --init-groups --no-new-privs \
    postgres -c listen_addresses='*'
