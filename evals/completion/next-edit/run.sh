#!/usr/bin/env bash
# Runs the public next-edit evaluation of cursortab.nvim with our predictor and prints its table.
#
#   run.sh CLONE [MODEL MODELS]
#
# CLONE is a git clone of cursortab.nvim. MODEL is the id of a local model and MODELS the folder that holds it; without
# them the rules answer alone. Go 1.25 or newer must be on the path; GOFLAGS and GOPROXY are used as they are set. Nothing
# of the clone is kept: the scenarios and recordings are made in a temporary folder.
set -euo pipefail

clone=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ -z "${NEXT_EDIT_SERVER:-}" ]]; then
    (cd "$root" && cargo build --locked -p wright --example next-edit-server)
    NEXT_EDIT_SERVER="${CARGO_TARGET_DIR:-$root/target}/debug/examples/next-edit-server"
fi
if [[ $# -ge 3 ]]; then
    arguments=("$2" "$3" "$work/private/worker.sock")
else
    arguments=(none)
fi

python3 "$here/cassettes.py" "$clone/server/eval/scenarios" "$work/scenarios" "$NEXT_EDIT_SERVER" "${arguments[@]}"
(cd "$clone/server" && go build -o "$work/cursortab-eval" ./eval/cmd/cursortab-eval)
(cd "$clone/server" && "$work/cursortab-eval" run --scenarios "$work/scenarios" --targets sweepapi) | sed 's/sweepapi/wright  /g'
