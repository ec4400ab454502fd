function log(level: string, text: string, verbose: boolean) {
  console.log(`[${level}] ${text}`);
}

log("info", "started", true);
log("warn", "slow", false);
