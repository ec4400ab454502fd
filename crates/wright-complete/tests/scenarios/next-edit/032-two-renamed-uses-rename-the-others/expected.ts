const a = registry.find("a");
const b = registry.find("b");
const c = registry.find("c");
export const all = [a, b, c, registry.find("d")];
