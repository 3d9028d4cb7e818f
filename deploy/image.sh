#!/usr/bin/env bash
# The worker's image, from this folder into the registry of the stack, by digest into terraform/image.auto.tfvars.
#
#   deploy/image.sh              built by Cloud Build: scanned, with a bill of materials
#   BUILDER=docker deploy/image.sh    built by docker on this machine
#
# The project and the bucket are asked of terraform.tfvars, or of you.
set -euo pipefail
cd "$(dirname "$0")/.."
tf() { terraform -chdir=terraform "$@"; }

tf init -input=false >/dev/null
# Registry, build account and build bucket come before the rest: the rest needs an image.
tf apply -target=terraform_data.registry

registry=$(tf output -raw registry)
lock=$(tf output -raw image_lock)
image=$registry/imagemeta
tag=$(date -u +%Y%m%d-%H%M%S)

if [ "${BUILDER:-cloud}" = docker ]; then
  gcloud auth configure-docker "${registry%%/*}" --quiet
  docker build --platform=linux/amd64 --build-arg "LOCK=$lock" --tag "$image:$tag" --tag "$image:latest" .
  docker push --all-tags "$image"
else
  account=$(tf output -raw build_account)
  project=${account#projects/}
  gcloud builds submit . --project="${project%%/*}" --config=deploy/cloudbuild.yaml --service-account="$account" \
    --gcs-source-staging-dir="$(tf output -raw build_bucket)/source" \
    --substitutions="_IMAGE=$image,_TAG=$tag,_LOCK=$lock,_BILL=$(tf output -raw build_bucket)/bills"
fi

digest=$(gcloud artifacts docker images describe "$image:$tag" --format='value(image_summary.digest)')
[ -n "$digest" ] || { echo "$image:$tag has no digest: was it pushed?" >&2; exit 1; }
echo "image = \"$image@$digest\"" >terraform/image.auto.tfvars
echo "terraform/image.auto.tfvars names $image@$digest; now: make deploy"
