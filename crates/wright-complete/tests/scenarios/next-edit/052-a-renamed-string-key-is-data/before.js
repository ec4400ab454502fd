const a = { name: "x" };
const b = { name: "y" };
send("name", a, b);
