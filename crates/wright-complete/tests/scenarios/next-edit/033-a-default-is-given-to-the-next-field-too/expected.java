class Options {
    private Integer width = 0;
    private Integer height = 0;
    private Integer depth = 0;
}
