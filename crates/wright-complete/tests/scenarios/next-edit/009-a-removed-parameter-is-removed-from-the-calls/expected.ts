function log(level: string, text: string) {
  console.log(`[${level}] ${text}`);
}

log("info", "started");
log("warn", "slow");
