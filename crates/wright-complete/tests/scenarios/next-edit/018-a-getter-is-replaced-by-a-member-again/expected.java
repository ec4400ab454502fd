class View {
    String render(User user) {
        String a = user.name();
        String b = user.mail();
        String c = user.city();
        return a + b + c;
    }
}
