class Basket {
    private int size;

    int itemCount() {
        return size;
    }

    boolean isEmpty() {
        return itemCount() == 0;
    }

    String label() {
        return "items: " + itemCount();
    }
}
