#!/usr/bin/env bash
#
# Handles one event for the job command, with jq and curl.
#
#   consumers:
#     codes: {actions: ["otp.*"], max_age: 10m, run: command, command: {argv: [bash, command.sh]}}
#     users: {actions: ["user.*"], run: command, command: {argv: [bash, command.sh]}}
#
# The event is on standard input, and its attributes are in the environment. Exit code 0: done. 65: no further attempt will
# mend it. Any other: another attempt, by the schedule. Text of an event is never a word of this shell: it goes through jq.
#
set -euo pipefail

event=$(cat)

# opened prints the text of the password as JSON: of a sealed one what is inside.
opened() {
  local sealed
  sealed=$(jq -r '.user.password | objects.sealed' <<<"$event")
  if [ -z "$sealed" ]; then
    jq '.user.password' <<<"$event"
  else
    forebay seal open --key "$SEAL_KEY" - <<<"$sealed" | jq -Rs .
  fi
}

# post PATH: calls the service with standard input. The key of the event goes with it: a second call for the same event
# changes nothing there.
post() {
  local status
  status=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 15 --data-binary @- \
    --header 'Content-Type: application/json' --header "Idempotency-Key: $FOREBAY_SOURCE/$FOREBAY_ID" "$WORK_URL$1") || exit 75
  case $status in
    2??) ;;
    408 | 429 | 5??) echo "the service answers $status" >&2 && exit 75 ;;
    *) echo "the service answers $status" >&2 && exit 65 ;;
  esac
}

case $FOREBAY_ACTION in
  otp.requested) jq '{to: .otp.to, channel: .otp.channel, user: .user.id}' <<<"$event" | post /codes ;;
  user.created)
    password=$(opened) || exit 65
    jq --argjson password "$password" '{id: .user.id, email: .user.email, $password}' <<<"$event" | post /users
    ;;
  *) ;; # of no interest to us
esac
