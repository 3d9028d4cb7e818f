#!/usr/bin/env bash
# Fetches what the console's pages are made with into the package, from npm: exact versions, compared with their digests.
# Nothing else ever fetches it: the package carries it, and no page asks another host for anything.
set -euo pipefail
into="$(cd "$(dirname "$0")/.." && pwd)/worker/web/console/static/vendor"
room="$(mktemp -d)"
trap 'rm -rf "$room"' EXIT

# name, version, SHA-256 of the package, files
take() {
  local name="$1" version="$2" digest="$3" archive
  shift 3
  archive="$room/$(cd "$room" && npm pack --silent "$name@$version")"
  echo "$digest  $archive" | sha256sum --check --quiet
  mkdir -p "$into/$name"
  tar -xzf "$archive" -C "$room"
  for file in "$@" LICENSE; do
    sed '/^\/\/# sourceMappingURL=/d' "$room/package/$file" >"$into/$name/$(basename "$file")"
  done
  rm -rf "$room/package"
}

take htmx.org 2.0.11 165a2655073e9e6e55e307a7c74e8ebcdb76afb7701f9c16cfd106a13add408e dist/htmx.min.js
take leaflet 1.9.4 84c65a256e50657896f54c33bd857b6849ebe94c817803be818bf32a3dde0b77 dist/leaflet.js dist/leaflet.css
take uplot 1.6.32 4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d dist/uPlot.iife.min.js dist/uPlot.min.css
take world-atlas 2.0.2 032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97 land-110m.json land-50m.json
take topojson-client 3.1.0 889fadb422f6236d0f8337a236ce6499f258b75e44b81733b13bd971067322bf dist/topojson-client.min.js
