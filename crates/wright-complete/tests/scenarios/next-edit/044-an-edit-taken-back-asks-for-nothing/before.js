function load(name) {
  return name;
}

load("a");
