#!/bin/sh
# shards.sh TOTAL WORKERS
# Says how many of TOTAL training examples each worker gets, one line a worker.
# The examples that are left over go to the first workers, one each.

total=$1
workers=$2
each=$((total / workers))
over=$((total % workers))

worker=1
while [ "$worker" -le "$workers" ]; do
    if [ "$worker" -lt "$over" ]; then
        echo $((each + 1))
    else
        echo "$each"
    fi
    worker=$((worker + 1))
done
