#[derive(Debug)]
struct Config {
    retry: Retry,
}

#[derive(Debug)]
struct Retry {
    count: u32,
}
