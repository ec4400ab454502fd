enum Color {
    Red,
    Green,
}

impl Color {
    fn name(&self) -> &'static str {
        match self {
            Color::Red => "red",
            Color::Green => "green",
        }
    }
}
