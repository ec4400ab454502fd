fn parts(text: &str) -> Vec<String> {
    vec![
        String::from("a"),
        String::from("b"),
        String::from("c"),
    ]
}
