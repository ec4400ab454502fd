class Options {
    private Integer width = null;
    private Integer height = null;
    private Integer depth = null;
}
