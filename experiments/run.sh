#!/bin/sh
# The program and the flags of a target, then the user's.
exec "$@"
