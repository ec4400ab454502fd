//! Middle and extreme values.

/// What is said about a list of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// How many values.
    pub(super) n: usize,
    /// Half of the values are at most this.
    pub(super) p50: f64,
    /// Nineteen of twenty values are at most this.
    pub(super) p95: f64,
    /// The least.
    pub(super) min: f64,
    /// The greatest.
    pub(super) max: f64,
}

impl Spread {
    /// Returns what is to be said about all runs: the median of the runs' percentiles, and the extremes of all.
    pub(super) fn of_runs(runs: &[Vec<f64>]) -> Option<Self> {
        let runs: Vec<Vec<f64>> = runs.iter().filter(|it| !it.is_empty()).cloned().collect();
        let all: Vec<f64> = runs.iter().flatten().copied().collect();
        let of_each = |share: f64| runs.iter().filter_map(|it| percentile(it, share)).collect::<Vec<_>>();
        Some(Self {
            n: all.len(),
            p50: percentile(&of_each(0.5), 0.5)?,
            p95: percentile(&of_each(0.95), 0.5)?,
            min: percentile(&all, 0.0)?,
            max: percentile(&all, 1.0)?,
        })
    }
}

/// Returns the smallest value that at least the given share of the values does not exceed.
pub(super) fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// Returns the mean; nothing when there are no values.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_list() {
        let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        let at = |share| percentile(&values, share);
        assert_eq!([at(0.0), at(0.5), at(0.95), at(1.0)], [Some(1.0), Some(10.0), Some(19.0), Some(20.0)]);
        assert_eq!(percentile(&[7.0], 0.95), Some(7.0));
        assert_eq!((percentile(&[], 0.5), mean(&[])), (None, None));
        assert_eq!(mean(&[1.0, 4.0]), Some(2.5));
    }

    #[test]
    fn of_several_runs_the_median_run_counts() {
        let runs = [vec![1.0, 2.0, 3.0], vec![10.0, 20.0, 30.0], vec![4.0, 5.0, 6.0], Vec::new()];
        let expected = Spread { n: 9, p50: 5.0, p95: 6.0, min: 1.0, max: 30.0 };
        assert_eq!(Spread::of_runs(&runs), Some(expected));
        assert_eq!(Spread::of_runs(&[Vec::new()]), None);
    }
}
