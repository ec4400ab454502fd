#[derive(Debug, Clone)]
struct Config {
    retry: Retry,
}

#[derive(Debug, Clone)]
struct Retry {
    count: u32,
}
