#!/bin/bash
# Orders with kcat and the shell, in the shape of the examples of its README.
#
#   bash with_kcat.sh consume TOPIC GROUP DATABASE
#   bash with_kcat.sh produce TOPIC

set -euo pipefail

SESSION_TIMEOUT_MS=6000
LOCK_TIMEOUT_MS=60000
SERVERS=${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}

store() { # DATABASE VALUE
    local value=${2//\'/\'\'} # a quote within a text of SQL is doubled
    local insert="INSERT INTO orders VALUES (json_extract('$value', '\$.number'))"
    sqlite3 -cmd ".timeout $LOCK_TIMEOUT_MS" "$1" "$insert"
}

consume() { # TOPIC GROUP DATABASE
    kcat -b "$SERVERS" -X auto.offset.reset=earliest -X session.timeout.ms=$SESSION_TIMEOUT_MS \
        -u -G "$2" "$1" |
        while read -r value; do
            store "$3" "$value"
        done
}

produce() { # TOPIC
    while read -r number; do
        printf '%s\t{"number": %s}\n' "$number" "$number" |
            kcat -b "$SERVERS" ${IDEMPOTENT:+-X enable.idempotence=true} -K '\t' -P -t "$1"
        echo "acked $number"
    done
}

"$@"
