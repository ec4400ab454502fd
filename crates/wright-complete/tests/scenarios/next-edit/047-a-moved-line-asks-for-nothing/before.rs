fn setup() {
    open();
    read();
    close();
}
