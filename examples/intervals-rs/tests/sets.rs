use intervals::{Interval, IntervalSet};

fn set(pairs: &[(i64, i64)]) -> IntervalSet {
    IntervalSet::from_intervals(pairs.iter().map(|&(start, end)| Interval::new(start, end)).collect())
}

#[test]
fn overlapping_intervals_become_one() {
    assert_eq!(set(&[(4, 9), (1, 6)]).intervals(), [Interval::new(1, 9)]);
}

#[test]
fn touching_intervals_become_one() {
    assert_eq!(set(&[(1, 4), (4, 6)]).intervals(), [Interval::new(1, 6)]);
}

#[test]
fn an_interval_inside_another_changes_nothing() {
    assert_eq!(set(&[(1, 10), (2, 4)]).intervals(), [Interval::new(1, 10)]);
}

#[test]
fn empty_intervals_are_left_out() {
    assert_eq!(set(&[(5, 5), (7, 3)]).intervals(), []);
}

#[test]
fn coverage_counts_each_integer_once() {
    assert_eq!(set(&[(0, 5), (3, 8), (20, 22)]).covered(), 10);
}

#[test]
fn the_end_is_not_contained() {
    let set = set(&[(1, 4), (6, 8)]);
    let contained: Vec<i64> = (0..9).filter(|&point| set.contains(point)).collect();
    assert_eq!(contained, [1, 2, 3, 6, 7]);
}

#[test]
fn gaps_lie_between_the_intervals() {
    assert_eq!(set(&[(1, 4), (6, 8), (10, 11)]).gaps(), [Interval::new(4, 6), Interval::new(8, 10)]);
}

#[test]
fn a_union_has_the_integers_of_both() {
    assert_eq!(set(&[(1, 4), (8, 9)]).union(&set(&[(3, 8)])), set(&[(1, 9)]));
}
