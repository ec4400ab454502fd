#!/usr/bin/env bash
# Shows wright at work: fetches the default models once, then lets it fix the failing test of a small Python project,
# in a copy outside of this repository.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(cargo metadata --no-deps --locked --format-version 1 |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
wright="$target/release/wright"
if [ ! -x "$wright" ]; then
  echo "error: $wright is missing" >&2
  echo "hint: Run \`make build\`." >&2
  exit 1
fi

shown() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || shown() { printf '\n$ %s\n' "$*"; }

shown "wright model pull"
"$wright" model pull

demo=$(mktemp -d "${TMPDIR:-/tmp}/wright-demo.XXXXXX")/inventory
cp -r examples/inventory "$demo"
cd "$demo"
git -c init.defaultBranch=main init --quiet
git add --all
git -c user.name=demo -c user.email=demo@example.org -c commit.gpgsign=false commit --quiet -m "Stock keeping for a small shop"

shown "cd $demo"
shown "python3 -m unittest discover"
python3 -B -m unittest discover 2>&1 | grep -E '^(FAIL|ERROR|[A-Za-z]*Error:|Ran|OK)' || true

shown "wright fix"
status=0
"$wright" fix || status=$?

cat <<END

wright fix ended with exit code $status (0: done and verified). The project is in
  $demo

What to type next, there (or put it on your path with \`make install\`):
  $wright tasks                 what was done, with its proposal and its receipt
  $wright ask "how are discounts chosen?"
  $wright complete inventory/pricing.py:30:1
  $wright doctor                what works on this machine
END
exit "$status"
