on("open", async () => {
  await refresh("a");
});
on("close", async () => {
  await refresh("b", 1);
});
on("save", async () => {
  await refresh(current());
});
