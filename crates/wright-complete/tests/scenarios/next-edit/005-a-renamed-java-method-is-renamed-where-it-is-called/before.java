class Basket {
    private int size;

    int countItems() {
        return size;
    }

    boolean isEmpty() {
        return countItems() == 0;
    }

    String label() {
        return "items: " + countItems();
    }
}
