class Car {
    private final String model;
    private final int doors;
    private final String color;

    Car(String model, int doors, String color) {
        this.model = model;
        this.doors = doors;
        this.color = color;
    }
}
