//! The words in which tests demand something, of all frameworks together, and what each demands.
//!
//! Words are compared without case and underscores: `assertEqual`, `assert_equal` and `ASSERT_EQUAL` demand the same.

use std::ops::Range;

use super::assertion::Strength;
use super::tokens::Tokens;

/// What the usual libraries allow where a test says nothing.
pub(super) const DEFAULT_TOLERANCE: f64 = 1e-6;

/// What a word demands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Demand {
    /// The value relates to another one this strictly.
    Is(Strength),
    /// The same, with a tolerance among the arguments.
    Near(Strength),
    /// The argument is a condition that holds.
    Condition,
    /// The argument is a condition that does not hold.
    Denial,
    /// The code fails.
    Fails,
}

const EXACT: &[&str] = &[
    "assertequal",
    "assertequals",
    "asserteq",
    "assertis",
    "assertisnone",
    "assertnull",
    "assertnil",
    "assertnone",
    "assertlistequal",
    "assertdictequal",
    "asserttupleequal",
    "assertsetequal",
    "assertcountequal",
    "assertitemsequal",
    "assertmultilineequal",
    "assertsequenceequal",
    "assertsame",
    "assertarrayequals",
    "assertiterableequals",
    "assertlinesmatch",
    "equal",
    "equals",
    "eq",
    "eql",
    "eqls",
    "deepequal",
    "strictequal",
    "deepstrictequal",
    "exactly",
    "equalvalues",
    "elementsmatch",
    "jsoneq",
    "yamleq",
    "nil",
    "isnull",
    "isnil",
    "empty",
    "isempty",
    "len",
    "lengthof",
    "length",
    "zero",
    "same",
    "propasserteq",
    "debugasserteq",
    "expecteq",
    "expectstreq",
    "assertstreq",
    "requireeq",
    "tobe",
    "toequal",
    "tostrictequal",
    "tobenull",
    "tobeundefined",
    "tobenan",
    "tohavelength",
    "tohavebeencalledwith",
    "tohavebeencalledtimes",
    "tohavebeenlastcalledwith",
    "tohavebeennthcalledwith",
    "tohavereturnedwith",
    "tohavetextcontent",
    "tobecalledwith",
    "tobecalledtimes",
    "tohavetext",
    "tohavevalue",
    "isequalto",
    "issameas",
    "iszero",
    "hassize",
    "hastostring",
    "containsexactly",
    "containsexactlyinanyorder",
    "containsonly",
    "isequaltoignoringcase",
    "assertcalledwith",
    "assertcalledoncewith",
    "asserthascalls",
    "assertnotcalled",
    "tomatchsnapshot",
    "tomatchinlinesnapshot",
    "assertsnapshot",
    "assertdebugsnapshot",
    "assertjsonsnapshot",
    "assertyamlsnapshot",
    "assertinlinesnapshot",
    "equalto",
    "is",
    "istrue",
    "isfalse",
    "tobetrue",
    "tobefalse",
    "true",
    "false",
    "null",
    "undefined",
    "nan",
    "assertframeequal",
    "assertseriesequal",
    "assertarrayequal",
    "isone",
    "isok",
    "calledwith",
    "calledonce",
    "callcount",
    "calledoncewithexactly",
    "errorequals",
    "equalerror",
    "errorwith",
    "haslength",
    "hasvalue",
    "hasmessage",
    "status",
    "assertxmlequal",
    "assertjsonequal",
    "assertmatches",
    "assertredirects",
    "assertquerysetequal",
    "assertnumqueries",
    "empty()",
    "samemembers",
    "members",
    "a",
    "an",
    "expectdeath",
    "assertdeath",
    "hasnext",
    "comparesequalto",
];

const PARTIAL: &[&str] = &[
    "assertin",
    "assertnotin",
    "contains",
    "assertcontains",
    "assertnotcontains",
    "notcontains",
    "doesnotcontain",
    "tocontain",
    "tocontainequal",
    "tomatch",
    "tomatchobject",
    "assertregex",
    "assertregexpmatches",
    "assertnotregex",
    "regexp",
    "notregexp",
    "subset",
    "assertnotequal",
    "assertnotequals",
    "assertne",
    "propassertne",
    "notequal",
    "notequals",
    "notdeepequal",
    "notstrictequal",
    "notdeepstrictequal",
    "isnotequalto",
    "doesnotmatch",
    "matches",
    "match",
    "greater",
    "greaterorequal",
    "less",
    "lessorequal",
    "assertgreater",
    "assertgreaterequal",
    "assertless",
    "assertlessequal",
    "expectne",
    "expectlt",
    "expectle",
    "expectgt",
    "expectge",
    "assertlt",
    "assertle",
    "assertgt",
    "assertge",
    "tobegreaterthan",
    "tobegreaterthanorequal",
    "tobelessthan",
    "tobelessthanorequal",
    "isgreaterthan",
    "islessthan",
    "isgreaterthanorequalto",
    "islessthanorequalto",
    "isbetween",
    "above",
    "below",
    "least",
    "most",
    "gt",
    "gte",
    "lt",
    "lte",
    "include",
    "includes",
    "includemembers",
    "startswith",
    "endswith",
    "tohaveproperty",
    "property",
    "containsstring",
    "containssubstring",
    "hassubstr",
    "containskey",
    "containsentry",
    "containsvalue",
    "hasitem",
    "hasitems",
    "haskey",
    "haskeys",
    "anyof",
    "oneof",
    "stringcontaining",
    "ispositive",
    "isnegative",
    "assertcalledonce",
    "assertdictcontainssubset",
    "notsame",
    "assertnotsame",
    "within",
    "haserrorcontaining",
    "hasmessagecontaining",
    "assertstrne",
    "expectstrne",
    "tostringcontains",
    "isin",
    "containsanyof",
    "contain",
    "assertthat",
];

const PRESENT: &[&str] = &[
    "assertisnotnone",
    "assertnotnull",
    "assertnotnil",
    "notnil",
    "notempty",
    "notnull",
    "isnotnull",
    "isnotnil",
    "isnotempty",
    "notzero",
    "tobedefined",
    "tobetruthy",
    "tobefalsy",
    "tobeinstanceof",
    "ok",
    "exist",
    "exists",
    "assertisinstance",
    "assertnotisinstance",
    "assertinstanceof",
    "isinstanceof",
    "instanceof",
    "istype",
    "implements",
    "assertcalled",
    "tohavebeencalled",
    "tobecalled",
    "called",
    "notnullvalue",
    "anything",
    "isnotblank",
    "ispresent",
    "tobeinthedocument",
    "any",
    "isexist",
    "istypeof",
    "truthy",
    "isdefined",
];

const NO_FAILURE: &[&str] = &[
    "doesnotthrow",
    "doesnotreject",
    "assertdoesnotthrow",
    "notpanics",
    "noerror",
    "nothrow",
    "expectnothrow",
    "assertnothrow",
    "doesnotthrowanyexception",
    "isnotthrownby",
    "nofatalfailure",
    "assertok",
    "iferror",
    "requirenothrow",
    "succeed",
];

const NEAR: &[&str] = &[
    "assertalmostequal",
    "assertnotalmostequal",
    "tobecloseto",
    "closeto",
    "approximately",
    "indelta",
    "inepsilon",
    "indeltaslice",
    "expectnear",
    "assertnear",
    "expectdoubleeq",
    "expectfloateq",
    "assertdoubleeq",
    "assertfloateq",
    "iscloseto",
    "assertallclose",
    "asserttallclose",
    "assertarrayalmostequal",
    "assertapproxequal",
    "assertapproxeq",
    "assertrelativeeq",
    "assertabsdiffeq",
    "assertulpseq",
    "asserthalfeq",
    "withindelta",
    "assertfloatseq",
];

const CONDITION: &[&str] = &[
    "assert",
    "asserttrue",
    "expecttrue",
    "propassert",
    "debugassert",
    "check",
    "require",
    "true",
    "ensure",
    "astrue",
    "requiretrue",
    "condition",
];

const DENIAL: &[&str] = &["assertfalse", "expectfalse", "checkfalse", "requirefalse", "false"];

const FAILS: &[&str] = &[
    "assertraises",
    "assertraisesregex",
    "assertraisesmessage",
    "raises",
    "assertthrows",
    "assertthrowsexactly",
    "throws",
    "throwsasync",
    "throw",
    "tothrow",
    "tothrowerror",
    "tothrowerrormatchinginlinesnapshot",
    "rejectedwith",
    "rejects",
    "expectthrow",
    "assertthrow",
    "expectanythrow",
    "requirethrows",
    "requirethrowsas",
    "checkthrows",
    "checkthrowsas",
    "requirethrowswith",
    "panics",
    "panicswithvalue",
    "panicswitherror",
    "error",
    "errorcontains",
    "erroras",
    "erroris",
    "assertwarns",
    "warns",
    "assertthatthrownby",
    "isexactlyinstanceof",
    "assertlogs",
    "expectdeath",
];

/// The words that only assert behind one of [`OWNERS`].
const OWNERS: &[&str] =
    &["assert", "require", "Assert", "Assertions", "assertions", "t", "is", "should", "suite", "s", "qt", "c"];

/// Returns what a word demands.
pub(super) fn demand(name: &str) -> Option<Demand> {
    let word = folded(name);
    let has = |list: &[&str]| list.contains(&word.as_str());
    if name == "true" || name == "false" {
        // Behind a chain it is the value itself.
        return Some(Demand::Is(Strength::Exact));
    }
    if name == "True" || has(CONDITION) {
        Some(Demand::Condition)
    } else if name == "False" || has(DENIAL) {
        Some(Demand::Denial)
    } else if has(FAILS) {
        Some(Demand::Fails)
    } else if has(NEAR) {
        Some(Demand::Near(Strength::Partial))
    } else if has(EXACT) {
        Some(Demand::Is(Strength::Exact))
    } else if has(PARTIAL) {
        Some(Demand::Is(Strength::Partial))
    } else if has(PRESENT) {
        Some(Demand::Is(Strength::Present))
    } else if has(NO_FAILURE) {
        Some(Demand::Is(Strength::NoFailure))
    } else {
        None
    }
}

/// Says whether a call of `name` on `owner` asserts.
pub(super) fn asserts(owner: Option<&str>, name: &str) -> bool {
    let word = folded(name);
    let begins = ["assert", "expect", "propassert", "debugassert"].iter().any(|it| word.starts_with(it));
    let is_macro = name.starts_with("REQUIRE") || name.starts_with("CHECK") || name == "SUCCEED";
    let behind_owner = owner.is_some_and(|it| OWNERS.contains(&it)) && demand(name).is_some();
    let fails = owner.is_none_or(|it| it == "pytest") && matches!(name, "raises" | "warns");
    let is_own = ["verify", "check", "require", "must", "should"].iter().any(|prefix| is_helper(name, prefix));
    begins && word != "assertthat" && word != "assertall" && !is_harmless(&word)
        || is_macro
        || behind_owner
        || fails
        || is_own
}

/// `verifyOrder(…)`, `check_total(…)`: a verb and what it is about, as people name assertions of their own.
fn is_helper(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|first: char| first == '_' || first.is_uppercase()))
}

/// Words that begin like an assertion and prepare one.
fn is_harmless(word: &str) -> bool {
    matches!(
        word,
        "expect"
            | "assertionerror"
            | "expected"
            | "expecttypeof"
            | "expectation"
            | "expectations"
            | "assertions"
            | "asserttype"
            | "hasassertions"
    )
}

/// Says whether a word opens a chain that ends in a matcher.
pub(super) fn opens_chain(name: &str) -> bool {
    matches!(
        name,
        "expect"
            | "assertThat"
            | "assert_that"
            | "expectThat"
            | "then"
            | "EXPECT_THAT"
            | "ASSERT_THAT"
            | "REQUIRE_THAT"
            | "CHECK_THAT"
            | "assertThatCode"
            | "assertWithMessage"
    ) && name != "then"
}

/// Says whether a word makes a value approximate.
pub(super) fn is_approximation(name: &str) -> bool {
    matches!(
        name,
        "approx"
            | "Approx"
            | "isclose"
            | "closeTo"
            | "WithinAbs"
            | "WithinRel"
            | "within"
            | "offset"
            | "withPercentage"
    )
}

/// Returns how far off a number may be, from the arguments that say so; larger is looser.
pub(super) fn tolerance(tokens: &Tokens<'_>, arguments: &[Range<usize>]) -> Option<f64> {
    let texts: Vec<String> = arguments.iter().map(|it| tokens.joined(it.clone())).collect();
    let named = texts.iter().filter_map(|it| {
        let (name, value) = it.split_once(" = ")?;
        let value = number(value)?;
        match name.trim() {
            "places" | "decimal" | "digits" => Some(10f64.powf(-value)),
            "delta" | "rel" | "abs" | "rtol" | "atol" | "epsilon" | "max_relative" | "rel_tol" | "abs_tol"
            | "tolerance" => Some(value),
            _ => None,
        }
    });
    if let Some(widest) = named.reduce(f64::max) {
        return Some(widest);
    }
    let last = texts.last().filter(|_| texts.len() >= 2)?;
    let value = number(last.trim_start_matches("within ( ").trim_start_matches("offset ( ").trim_end_matches(" )"))?;
    // A whole number of places, as opposed to a distance, makes the demand stricter when it grows.
    let is_places = texts.len() == 2 && value.fract() == 0.0 && !last.contains('.') && value <= 20.0;
    Some(if is_places { 10f64.powf(-value) } else { value.abs() })
}

/// Reads a number as languages write it.
pub(super) fn number(text: &str) -> Option<f64> {
    let text: String = text.chars().filter(|it| !it.is_whitespace() && *it != '_').collect();
    let text = text.trim_end_matches(['f', 'F', 'd', 'D', 'L', 'l', 'n']);
    let text = text.trim_end_matches("f64").trim_end_matches("f32");
    text.parse().ok().filter(|it: &f64| it.is_finite())
}

fn folded(name: &str) -> String {
    name.chars().filter(|it| *it != '_').flat_map(char::to_lowercase).collect()
}
