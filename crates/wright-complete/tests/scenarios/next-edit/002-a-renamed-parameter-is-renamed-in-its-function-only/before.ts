export function area(w: number, height: number): number {
  const scaled = w * 2;
  return scaled * height + w;
}

export function volume(w: number): number {
  return w * w * w;
}
