#!/bin/sh
# Creates the database and its user at the first start, then becomes the server.
set -eu

install -d -o mysql -g mysql /run/mysqld
if [ ! -d /var/lib/mysql/shop ]; then
    install -d -o mysql -g mysql /var/lib/mysql
    mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db >/dev/null
    # Only root can read the secret, so it goes in through a pipe.
    printf "FLUSH PRIVILEGES;\nCREATE USER app@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON shop.* TO app@'%%';\nCREATE DATABASE shop;\nCREATE TABLE shop.orders (id INT);\n" \
        "$(cat /run/secrets/mariadb_password)" |
        mariadbd --user=mysql --bootstrap --skip-networking
fi
exec mariadbd --user=mysql --bind-address=0.0.0.0 --max-connections=40 --innodb-flush-log-at-trx-commit=2
