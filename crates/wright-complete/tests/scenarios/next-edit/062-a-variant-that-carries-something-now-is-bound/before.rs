enum Step {
    Idle,
    Moving(u32),
    Failed,
}

fn label(step: &Step) -> String {
    match step {
        Step::Idle => "idle".to_owned(),
        Step::Moving(speed) => format!("moving at {speed}"),
        Step::Failed => format!("failed"),
    }
}
