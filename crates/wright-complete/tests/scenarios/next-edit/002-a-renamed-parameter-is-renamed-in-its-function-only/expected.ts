export function area(width: number, height: number): number {
  const scaled = width * 2;
  return scaled * height + width;
}

export function volume(w: number): number {
  return w * w * w;
}
