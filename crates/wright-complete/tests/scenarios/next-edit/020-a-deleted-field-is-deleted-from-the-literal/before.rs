struct Point {
    x: i32,
    y: i32,
    label: String,
}

fn origin() -> Point {
    Point {
        x: 0,
        y: 0,
        label: String::new(),
    }
}
