interface Shape {
  width: number;
  height: number;
  color: string;
}

function draw(width: number, height: number, color: string) {
  return `${width}x${height} ${color}`;
}

draw(1, 2, "red");
