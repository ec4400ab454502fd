#!/usr/bin/env bash
# Tries the set-up phase for real: small projects with a dependency that is not on this machine, fetched by their own client
# through the sandbox's proxy with the user's variables, and then tested without a network.
#
#   cargo build --release -p wright-agent --example setup_trial
#   evals/sandbox/setup.sh target/release/examples/setup_trial
#
# Needs the network, pip, npm and cargo. Prints the table of README.md; the exit code is 1 if a project's tests do not pass, or
# if its dependency was on the machine all along.
set -euo pipefail

trial=$(readlink -f "$1")
place=$(mktemp -d /tmp/wright-setup-trials-XXXXXX)
trap 'rm -rf "$place"' EXIT

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

failed=0
echo '| client | before | hosts asked for | seconds to fetch | tests without a network |'
echo '|---|---|---|---|---|'
for client in pip npm cargo; do
  project="$place/$client"
  "${client}_project" "$project"
  case $client in
    pip) command=(python3 -m unittest -v) ;;
    npm) command=(npm test) ;;
    cargo) command=(cargo test --offline) ;;
  esac
  if ! "$trial" "$client" "$project" "${command[@]}" 2>"$place/$client.err"; then
    failed=1
    tail -n 20 "$place/$client.err" >&2
  fi
done
exit $failed
