fn total(prices: &[u64]) -> u64 {
    let mut s = 0;
    for price in prices {
        s += price;
    }
    s
}

fn other() -> &'static str {
    let s = "text";
    s
}
