fn total(prices: &[u64]) -> u64 {
    let mut sum = 0;
    for price in prices {
        sum += price;
    }
    sum
}

fn other() -> &'static str {
    let s = "text";
    s
}
