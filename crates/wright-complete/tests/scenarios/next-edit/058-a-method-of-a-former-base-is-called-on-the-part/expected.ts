class Engine {
  start(): void {}
  stop(): void {}
}

class Car {
  private engine: Engine = new Engine();

  drive(): void {
    this.engine.start();
  }
}
