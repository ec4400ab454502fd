struct Stop {
    distance: f64,
    title: String,
}

struct Track {
    stops: Vec<Stop>,
}

impl Track {
    fn length(&self) -> f64 {
        self.stops[0].distance
    }

    fn label(&self, index: usize) -> &str {
        &self.stops[index].title
    }
}
