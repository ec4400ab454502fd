fn name(kind: Kind) -> String {
    match kind {
        Kind::Small => "small",
        Kind::Medium => "medium",
        Kind::Large => "large",
    }
}
