const base = 1;

function double(x) {
  return x * 2;
}
