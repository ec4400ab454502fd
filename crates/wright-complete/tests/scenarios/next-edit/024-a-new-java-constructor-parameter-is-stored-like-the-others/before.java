class Car {
    private final String model;
    private final int doors;
    private final String color;

    Car(String model, int doors) {
        this.model = model;
        this.doors = doors;
    }
}
