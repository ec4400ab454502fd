const a = registry.lookup("a");
const b = registry.lookup("b");
const c = registry.lookup("c");
export const all = [a, b, c, registry.lookup("d")];
