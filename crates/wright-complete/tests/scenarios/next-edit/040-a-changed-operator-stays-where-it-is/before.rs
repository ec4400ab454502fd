fn in_range(value: i32, low: i32, high: i32) -> bool {
    value > low && value > high
}

fn is_above(value: i32, low: i32) -> bool {
    value > low
}
