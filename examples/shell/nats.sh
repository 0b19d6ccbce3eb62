#!/usr/bin/env bash
#
# Handles events with the nats command (github.com/nats-io/natscli), bound to a declared durable, one at a time.
#
# NOT RUN BY ANY TEST: the nats command could not be had where this was written. It follows natscli 0.2 and later; put it
# through the kit before you rely on it:
#
#   go run ./examples/conformance --forebay ./forebay -- bash examples/shell/nats.sh
#
# The nats command acknowledges what it takes at once, or not at all. So the event is taken without, handled by command.sh,
# and answered where JetStream waits for the answer: the subject is made of the numbers that the command prints.
#
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

: "${NATS_URL:?}" "${FOREBAY_STREAM:?}" "${FOREBAY_CONSUMER:?}" # nats reads NATS_URL itself
max_age=600 # seconds: an older code is of no use to anybody
max_deliver=$(nats consumer info "$FOREBAY_STREAM" "$FOREBAY_CONSUMER" --json | jq .config.max_deliver) || exit

stopping=
trap 'stopping=yes' INT TERM

# answer TEXT: "+ACK", "+TERM reason" or "+WPI", which says that the work goes on.
answer() {
  nats pub "\$JS.ACK.$FOREBAY_STREAM.$FOREBAY_CONSUMER.$tries.$stream_seq.$consumer_seq.0.0" "$1" >/dev/null 2>&1
}

# handle EVENT: gives the exit code of command.sh, or 65 where there is nothing to give it.
handle() {
  local event=$1 received
  FOREBAY_ACTION=$(jq -er 'objects.action' <<<"$event") || return 65
  FOREBAY_SOURCE=$(jq -er .source <<<"$event") FOREBAY_ID=$(jq -er .id <<<"$event")
  export FOREBAY_ACTION FOREBAY_SOURCE FOREBAY_ID
  received=$(jq '.received | sub("\\.[0-9]+"; "") | fromdate' <<<"$event") || return 65
  if [ "$FOREBAY_ACTION" = otp.requested ] && [ $(($(date +%s) - received)) -gt "$max_age" ]; then
    reason=expired
    return 65
  fi
  bash command.sh <<<"$event"
}

while [ -z "$stopping" ]; do
  # A line with subject and numbers, the headers, and last the event, which is one line.
  taken=$(nats consumer next "$FOREBAY_STREAM" "$FOREBAY_CONSUMER" --no-ack --timeout 5s 2>/dev/null) || { sleep 0.2 && continue; }
  numbers='tries: ([0-9]+) / cons seq: ([0-9]+) / str seq: ([0-9]+) '
  [[ ${taken%%$'\n'*} =~ $numbers ]] || continue # no event came in time
  tries=${BASH_REMATCH[1]} consumer_seq=${BASH_REMATCH[2]} stream_seq=${BASH_REMATCH[3]}
  reason="no further attempt will mend it"

  # More often than the first step of the schedule, and only as long as this program is there.
  while sleep 0.2 && kill -0 $$ 2>/dev/null; do answer +WPI; done &
  alive=$!
  handle "${taken##*$'\n'}"
  code=$?
  kill "$alive" && wait "$alive" 2>/dev/null
  case $code in
    0) answer +ACK ;;
    65) answer "+TERM permanent: $reason" ;;
    *) # unanswered it comes again by the schedule; a bare nak would bring it back at once
      [ "$tries" -lt "$max_deliver" ] || answer "+TERM max deliveries: exit code $code"
      ;;
  esac
done
exit 0
