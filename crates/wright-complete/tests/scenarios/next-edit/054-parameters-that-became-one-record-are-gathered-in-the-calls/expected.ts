interface Shape {
  width: number;
  height: number;
  color: string;
}

function draw(shape: Shape) {
  return `${shape.width}x${shape.height} ${shape.color}`;
}

draw({ width: 1, height: 2, color: "red" });
