fn name(kind: Kind) -> String {
    match kind {
        Kind::Small => "small".to_string(),
        Kind::Medium => "medium".to_string(),
        Kind::Large => "large".to_string(),
    }
}
