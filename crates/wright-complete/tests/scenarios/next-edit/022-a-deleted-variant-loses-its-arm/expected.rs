enum Level {
    Low,
    High,
}

fn weight(level: &Level) -> u32 {
    match level {
        Level::Low => 1,
        Level::High => 5,
    }
}
