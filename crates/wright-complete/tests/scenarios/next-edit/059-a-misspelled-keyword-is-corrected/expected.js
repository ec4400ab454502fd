const base = 10;

function double(x) {
  return x * 2;
}
