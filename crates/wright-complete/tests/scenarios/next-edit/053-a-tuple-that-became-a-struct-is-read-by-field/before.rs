struct Track {
    stops: Vec<(f64, String)>,
}

impl Track {
    fn length(&self) -> f64 {
        self.stops[0].0
    }

    fn label(&self, index: usize) -> &str {
        &self.stops[index].1
    }
}
