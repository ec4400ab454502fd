function run(items) {
  console.log("running", items.length);
  for (const item of items) {
    console.log(item);
    item.run();
  }
}
