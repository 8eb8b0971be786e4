#!/bin/sh
# Gives Redis its password on its standard input: a command line is visible to every user of the machine.
set -eu

install -d -o redis -g redis /data
password=$(cat /run/secrets/sessions_password)
exec setpriv --reuid=redis --regid=redis --init-groups redis-server - <<END
bind 0.0.0.0
dir /data
requirepass $password
END
