class View {
    String render(User user) {
        String a = user.getName();
        String b = user.getMail();
        String c = user.getCity();
        return a + b + c;
    }
}
