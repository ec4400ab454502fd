class Engine {
  start(): void {}
  stop(): void {}
}

class Car extends Engine {
  drive(): void {
    this.start();
  }
}
