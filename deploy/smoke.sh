#!/usr/bin/env bash
# One image into a deployed stack, and out comes a document; then the image goes, and a tombstone comes.
#
#   deploy/smoke.sh              asks the stack in terraform/ for bucket and documents
#   BUCKET=gs://B DOCUMENTS=firestore://P/D/C deploy/smoke.sh
#
# Needs gcloud and curl, signed in as somebody who may write the bucket and read the database. The emulators of
# `make dev` will do: source .stack/env first. Exit code 0 if both came within SECONDS_TO_WAIT (600) each.
set -euo pipefail
folder=$(cd "$(dirname "$0")/.." && pwd)
output() { terraform -chdir="$folder/terraform" output -raw "$1"; }

bucket=${BUCKET:-$(output bucket)}
documents=${DOCUMENTS:-$(output documents_url)}
IFS=/ read -r project database collection <<<"${documents#firestore://}"
object=$bucket/smoke/$(date -u +%Y%m%d-%H%M%S)-$$.png

if [ -n "${FIRESTORE_EMULATOR_HOST:-}" ]; then
  address=http://$FIRESTORE_EMULATOR_HOST token=owner
else
  address=https://firestore.googleapis.com token=$(gcloud auth print-access-token)
fi
query="{\"structuredQuery\": {\"select\": {\"fields\": [{\"fieldPath\": \"status\"}]}, \"from\": [{\"collectionId\": \"$collection\"}], \"limit\": 1, \"where\": {\"fieldFilter\": {
  \"field\": {\"fieldPath\": \"uri\"}, \"op\": \"EQUAL\", \"value\": {\"stringValue\": \"$object\"}}}}}"

status() { # the document's status; nothing while there is no document
  curl --silent --show-error --fail --max-time 20 -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "$query" "$address/v1/projects/$project/databases/$database/documents:runQuery" |
    tr -d '\n' | sed -n 's/.*"status": *{ *"stringValue": *"\([a-z]*\)".*/\1/p'
}

await() { # $1: a pattern of the status that is waited for
  local start=$SECONDS found=""
  until found=$(status) && [[ $found =~ ^($1)$ ]]; do
    if ((SECONDS - start > ${SECONDS_TO_WAIT:-600})); then
      echo "no document with status $1 for $object after $((SECONDS - start)) s; it is: ${found:-not there}" >&2
      return 1
    fi
    sleep 2
  done
  echo "$found after $((SECONDS - start)) s: $object"
}

# A PNG of one pixel; an image without metadata is an answer, too.
base64 --decode <<<iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg== |
  gcloud storage cp --quiet - "$object"
await 'ok|partial|none'
curl --silent --show-error --fail --max-time 60 --output /dev/null -X DELETE -H "Authorization: Bearer $token" \
  "${STORAGE_EMULATOR_HOST:-https://storage.googleapis.com}/storage/v1/b/${bucket#gs://}/o/smoke%2F${object##*/}"
await deleted
