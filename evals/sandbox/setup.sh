#!/usr/bin/env bash
# Tries the set-up phase for real: small projects whose only dependency is not on this machine, fetched by their own client
# through the sandbox's proxy with the user's settings, and then tested without a network.
#
#   evals/sandbox/setup.sh path/to/wright
#
# Needs the network, pip, npm and cargo. Prints a table; the exit code is 1 if a project is not tested as it should be. Each
# project is tried without --setup as well, where its tests must fail: otherwise the dependency was there all along.
set -euo pipefail

wright=$(readlink -f "$1")
place=$(mktemp -d /tmp/wright-setup-trials-XXXXXX)
trap 'rm -rf "$place"' EXIT
export WRIGHT_HOME="$place/home" XDG_CONFIG_HOME="$place/config"
mkdir -p "$WRIGHT_HOME" "$XDG_CONFIG_HOME/wright"
# Nothing is asked of a model: what passes needs no repair.
model=(--model openai:none --base-url http://127.0.0.1:9)

commit() {
  git -C "$1" init -q
  git -C "$1" add --all
  git -C "$1" -c user.name=a -c user.email=a@localhost -c commit.gpgsign=false commit -qm start
}

pip_project() {
  mkdir -p "$1"
  printf 'iniconfig==2.0.0\ntomli-w==1.0.0\n' >"$1/requirements.txt"
  printf 'import unittest\nimport tomli_w\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(tomli_w.dumps({"a": 1}), "a = 1\\n")\n' >"$1/test_it.py"
}

npm_project() {
  mkdir -p "$1"
  printf '{"name":"p","version":"1.0.0","scripts":{"test":"node test.js"},"dependencies":{"left-pad":"1.3.0"}}' >"$1/package.json"
  printf 'const pad = require("left-pad"); process.exit(pad("a", 3) === "  a" ? 0 : 1);\n' >"$1/test.js"
  printf 'node_modules\n' >"$1/.gitignore"
  (cd "$1" && npm install --package-lock-only --silent >/dev/null 2>&1)
}

cargo_project() {
  mkdir -p "$1/src"
  printf '[package]\nname = "p"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nroman = "0.1.6"\n' >"$1/Cargo.toml"
  printf '#[test]\nfn it() {\n    assert_eq!(roman::to(7).unwrap(), "VII");\n}\n' >"$1/src/lib.rs"
  printf 'target\n' >"$1/.gitignore"
  # The lock file is made in a home of its own, so that the package is not on this machine afterwards.
  (cd "$1" && CARGO_HOME="$place/cargo" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" cargo generate-lockfile -q)
}

status() { python3 -c 'import json, sys; print(json.load(sys.stdin)["status"])' 2>/dev/null || echo error; }

failed=0
echo '| client | tests without set-up | tests with set-up | hosts reached | seconds |'
echo '|---|---|---|---|---|'
for client in pip npm cargo; do
  project="$place/$client"
  "${client}_project" "$project"
  commit "$project"
  case $client in
    pip) command=(python3 -m unittest -v) ;;
    npm) command=(npm test) ;;
    cargo) command=(cargo test --offline) ;;
  esac
  before=$("$wright" -C "$project" fix --json --candidates 1 "${model[@]}" -- "${command[@]}" 2>/dev/null | status || true)
  start=$(date +%s.%N)
  # shellcheck disable=SC2016
  after=$("$wright" -C "$project" fix --json --setup --candidates 1 "${model[@]}" -- "${command[@]}" 2>"$place/$client.err" | status || true)
  seconds=$(echo "$(date +%s.%N) - $start" | bc)
  hosts=$(python3 - "$WRIGHT_HOME/store.db" "$client" <<'PY'
import json, sqlite3, sys
found = 0
for (kind, payload) in sqlite3.connect(sys.argv[1]).execute("select kind, payload from steps"):
    if kind == "fetched" and json.loads(payload)["client"] == sys.argv[2]:
        found = len(json.loads(payload)["hosts"])
print(found)
PY
  )
  printf '| %s | %s | %s | %s | %.1f |\n' "$client" "${before/nothing-to-fix/pass}" "${after/nothing-to-fix/pass}" "$hosts" "$seconds"
  if [ "$before" = nothing-to-fix ] || [ "$after" != nothing-to-fix ]; then
    failed=1
    tail -n 20 "$place/$client.err" >&2
  fi
done
exit $failed
