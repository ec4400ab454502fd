function a() {
  const result = compute();
  return result;
}

function b() {
  const result = other();
  return result;
}
