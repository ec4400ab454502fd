enum Level {
    Low,
    High,
    Extreme,
}

fn weight(level: &Level) -> u32 {
    match level {
        Level::Low => 1,
        Level::High => 5,
        Level::Extreme => 9,
    }
}
