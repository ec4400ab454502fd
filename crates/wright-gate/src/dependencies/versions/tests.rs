//! The order of versions, by each ecosystem's published rules.

use std::cmp::Ordering;

use super::*;

/// Checks that each version of a list is older than the next, that words on one line are the same version, and that the
/// order holds the other way round.
fn check(ecosystem: Ecosystem, list: &str) -> usize {
    let lines: Vec<Vec<&str>> =
        list.lines().map(|line| line.split_whitespace().collect()).filter(|it: &Vec<&str>| !it.is_empty()).collect();
    let mut n = 0;
    for (at, line) in lines.iter().enumerate() {
        for (other_at, other) in lines.iter().enumerate() {
            for a in line {
                for b in other {
                    assert_eq!(compare(ecosystem, a, b), Some(at.cmp(&other_at)), "{ecosystem:?}: {a} and {b}");
                    n += 1;
                }
            }
        }
    }
    n
}

#[test]
fn semantic_versions_are_ordered_as_their_specification_says() {
    // Section 11 of the specification, with its examples, and numbers too long for 32 bits.
    let list = "
        0.0.0-0
        0.0.0
        0.0.1
        0.1.0
        0.9.0
        1.0.0-0.3.7
        1.0.0-alpha 1.0.0-alpha+001
        1.0.0-alpha.1
        1.0.0-alpha.beta
        1.0.0-alpha-a.b-c
        1.0.0-beta 1.0.0-beta+exp.sha.5114f85
        1.0.0-beta.2
        1.0.0-beta.11
        1.0.0-rc.1
        1.0.0-x.7.z.92
        1.0.0-x-y-z.0
        1.0.0 v1.0.0 1.0 1 =1.0.0 1.0.0+20130313144700 1.0.0+21AF26D3
        1.9.0
        1.10.0
        1.11.0
        2.0.0
        2.1.0
        2.1.1
        10.0.0
        4294967296.0.0
        9007199254740991.0.0";
    assert!(check(Ecosystem::Npm, list) >= 40);
    assert!(check(Ecosystem::Cargo, list) >= 40);
    for text in ["", "one", "1.2.3.4", "1..2", "01.0.0", "1.0.0-", "1.0.0-01", "99999999999999999999.0.0"] {
        assert_eq!(compare(Ecosystem::Npm, text, "1.0.0"), None, "{text}");
    }
}

#[test]
fn versions_of_go_are_ordered_with_pseudo_versions_and_its_own_releases() {
    let list = "
        v0.0.0-20170915032832-14c0d48ead0c
        v0.0.0-20180101000000-aaaaaaaaaaaa
        v0.0.0
        v0.1.0-rc.1
        v0.1.0
        v0.1.1-0.20200101000000-abcdefabcdef
        v0.1.1
        v1.0.0-alpha
        v1.0.0-pre.0.20200101000000-abcdefabcdef
        v1.0.0 1.0.0
        v1.2.3-pre
        v1.2.3
        v1.2.4-0.20191109021931-daa7c04131f5
        v1.2.4
        go1.9
        v1.10.0 go1.10
        go1.20rc1 v1.20.0-rc.1
        go1.20rc2
        go1.20 v1.20.0
        go1.20.1
        go1.21.0
        v2.0.0+incompatible v2.0.0
        v2.0.1+incompatible
        v17.0.0+incompatible";
    assert!(check(Ecosystem::Go, list) >= 40);
    assert_eq!(compare(Ecosystem::Go, "devel", "v1.0.0"), None);
}

#[test]
fn versions_of_python_are_ordered_as_pep_440_says() {
    // The summary of permitted suffixes and relative ordering, its examples, and its normal forms.
    let list = "
        0.9
        0.9.1
        1.dev0 1.0.dev
        1.0.dev456
        1.0a1 1.0alpha1 1.0-a1 1.0.a.1 1.0_a1
        1.0a2.dev456
        1.0a12.dev456
        1.0a12
        1.0b1.dev456
        1.0b2 1.0-beta.2 1.0beta2
        1.0b2.post345.dev456
        1.0b2.post345
        1.0rc1.dev456
        1.0rc1 1.0c1 1.0pre1 1.0.preview1
        1.0rc2
        1.0 1 1.0.0 v1.0 01.0
        1.0+abc.5
        1.0+abc.7 1.0+abc-7
        1.0+5
        1.0.post456.dev34
        1.0.post456 1.0-456 1.0.r456 1.0.rev456
        1.0.15
        1.1.dev1
        1.1
        1.2.2
        1.2.10
        2.0
        2013.10
        2014.04 2014.4
        1!1.0
        1!2.0
        2!0.1";
    assert!(check(Ecosystem::PyPi, list) >= 40);
    for text in ["", "latest", "1.0-foo", "french toast", "1.0+", "1..0"] {
        assert_eq!(compare(Ecosystem::PyPi, text, "1.0"), None, "{text}");
    }
}

#[test]
fn versions_of_maven_are_ordered_as_its_reference_says() {
    let list = "
        1-a1 1-alpha-1 1.0-alpha1 1alpha1
        1-alpha2 1-a2
        1-beta-1 1-b1
        1-beta-2
        1-milestone-1 1-m1
        1-m3
        1-rc 1-cr 1.rc 1.cr
        1-rc1 1-cr1
        1-snapshot 1-SNAPSHOT 1.0-SNAPSHOT
        1 1.0 1.0.0 1. 1- 1.ga 1-ga 1.final 1-release 1-0 1.0-0 1.0.0-0.0.0 1-GA 01
        1-sp
        1-abc
        1-foo 1.foo 1.0.0-foo.0.0
        1-foo2
        1-foo10
        1-xyz
        1-1
        1-1.1
        1-2
        1.0.1
        1.1-m1
        1.1
        1.1.1
        1.2
        1.10
        2.0-rc1
        2
        2.1
        20
        20201231
        99999999999999999999
        100000000000000000000";
    assert!(check(Ecosystem::Maven, list) >= 40);
    // The reference's own remarks on tokens that are not at an end.
    let cases = [
        ("1-sp", "1-ga", Ordering::Greater),
        ("1-sp.1", "1-ga.1", Ordering::Greater),
        ("1-sp-1", "1-ga-1", Ordering::Less),
        ("1-1.foo-bar1baz-.1", "1-1.foo-bar-1-baz-0.1", Ordering::Equal),
        ("2.0.0-M1", "2.0.0", Ordering::Less),
        ("5.3.0.RELEASE", "5.3.0", Ordering::Equal),
        ("5.3.0.RELEASE", "5.3.1.RELEASE", Ordering::Less),
        ("31.0-jre", "31.0-android", Ordering::Greater),
        ("1_1", "1-1", Ordering::Equal),
        ("0.bar2", "0-10-sp", Ordering::Less),
    ];
    for (a, b, order) in cases {
        assert_eq!(compare(Ecosystem::Maven, a, b), Some(order), "{a} and {b}");
        assert_eq!(compare(Ecosystem::Maven, b, a), Some(order.reverse()), "{b} and {a}");
    }
    assert_eq!(compare(Ecosystem::Maven, "", "1"), None);
    assert_eq!(compare(Ecosystem::Maven, &"1.".repeat(500), "1"), None);
}
