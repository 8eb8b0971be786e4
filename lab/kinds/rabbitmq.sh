#!/bin/sh
# Writes the configuration with the password, as the official image does, then becomes the server.
set -eu

umask 077
printf 'default_user = app\ndefault_pass = %s\n' "$(cat /run/secrets/rabbitmq_password)" \
    > /etc/rabbitmq/rabbitmq.conf
chown -R rabbitmq:rabbitmq /etc/rabbitmq /var/lib/rabbitmq /var/log/rabbitmq
cd /var/lib/rabbitmq
# One scheduler that sleeps when idle: the lab shares the machine.
export HOME=/var/lib/rabbitmq RABBITMQ_LOGS=- RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 1:1 +sbwt none'
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups /usr/lib/rabbitmq/bin/rabbitmq-server
