on("open", () => {
  refresh("a");
});
on("close", () => {
  refresh("b", 1);
});
on("save", () => {
  refresh(current());
});
