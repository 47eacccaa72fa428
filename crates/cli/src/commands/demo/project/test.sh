#!/bin/sh
# Checks shards.sh. Each line: the examples, the workers, and what each worker must get.

failed=0

check() {
    got=$(sh ./shards.sh "$1" "$2" | tr '\n' ' ')
    if [ "$got" = "$3 " ]; then
        echo "right: $1 among $2 is $3"
    else
        echo "WRONG: $1 among $2 is ${got}and must be $3"
        failed=1
    fi
}

check 90 3 "30 30 30"
check 100 3 "34 33 33"
check 101 3 "34 34 33"
check 7 4 "2 2 2 1"

if [ "$failed" = 0 ]; then
    echo "all shards are right"
fi
exit "$failed"
