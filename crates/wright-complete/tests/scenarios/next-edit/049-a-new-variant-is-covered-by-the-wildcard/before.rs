enum Unit {
    Meter,
    Foot,
}

fn factor(unit: &Unit) -> f64 {
    match unit {
        Unit::Foot => 0.3048,
        _ => 1.0,
    }
}
