//! Every construct and every built-in function of FEEL, each with the values that tell it from a neighbour:
//! ends, empty lists, null, and what does not fit.

use crate::feel::eval;

/// The built-in functions.
const FUNCTIONS: &str = "string|number|date|time|date and time|duration|years and months duration|not|is defined|\
    get or else|string length|upper case|lower case|trim|substring|contains|starts with|ends with|substring before|\
    substring after|split|string join|decimal|floor|ceiling|round up|round down|round half up|round half down|abs|sqrt|\
    log|exp|modulo|odd|even|get value|get entries|context put|context merge|context|day of week|month of year|\
    day of year|week of year|min|max|sum|mean|product|median|stddev|all|any|count|concatenate|union|list contains|\
    index of|append|reverse|sublist|remove|insert before|list replace|distinct values|duplicate values|flatten|sort|\
    now|today";

/// Expressions and what they give; a text is shown as it is written.
const ROWS: &[(&str, &str)] = &[
    // Conversions
    ("string(12.50)", "\"12.5\""),
    ("string(true)", "\"true\""),
    ("string([1, \"a\"])", "\"[1, \\\"a\\\"]\""),
    ("string(null)", "null"),
    ("number(\" 12 \")", "12"),
    ("number(\"1e3\")", "1000"),
    ("number(\"1.000,5\", \".\", \",\")", "1000.5"),
    ("number(\"twelve\")", "null"),
    ("number(true)", "null"),
    ("date(2024, 2, 29)", "2024-02-29"),
    ("date(2023, 2, 29)", "null"),
    ("date(\"2024-13-01\")", "null"),
    ("date(@\"2024-02-29T23:59:59Z\")", "2024-02-29"),
    ("time(23, 59, 58)", "23:59:58"),
    ("time(24, 0, 0)", "null"),
    ("time(@\"2024-02-29T23:59:59Z\")", "23:59:59Z"),
    ("date and time(@\"2024-02-29\", @\"10:00:00\")", "2024-02-29T10:00:00"),
    ("date and time(\"2024-02-29T25:00:00\")", "null"),
    ("duration(\"P1Y13M\")", "P2Y1M"),
    ("duration(\"P1DT25H\")", "P2DT1H"),
    ("duration(\"-PT60S\")", "-PT1M"),
    ("duration(\"one day\")", "null"),
    ("years and months duration(@\"2024-02-29\", @\"2023-02-28\")", "-P1Y"),
    // Texts
    ("string length(\"\")", "0"),
    ("string length(\"\u{1f980}\")", "1"),
    ("upper case(\"stra\u{df}e\")", "\"STRASSE\""),
    ("lower case(\"\u{c4}B\")", "\"\u{e4}b\""),
    ("trim(\"  a b \")", "\"a b\""),
    ("substring(\"foobar\", 0)", "null"),
    ("substring(\"foobar\", 7)", "\"\""),
    ("substring(\"foobar\", 2, 0)", "\"\""),
    ("substring(\"\u{1f980}ab\", 2, 1)", "\"a\""),
    ("contains(\"abc\", \"\")", "true"),
    ("starts with(\"abc\", \"b\")", "false"),
    ("ends with(\"abc\", \"bc\")", "true"),
    ("substring before(\"a-b-c\", \"-\")", "\"a\""),
    ("substring before(\"abc\", \"x\")", "\"\""),
    ("substring after(\"a-b-c\", \"-\")", "\"b-c\""),
    ("substring after(\"abc\", \"x\")", "\"\""),
    ("split(\"a,,b\", \",\")", "[\"a\", \"\", \"b\"]"),
    ("split(\"abc\", \"\")", "null"),
    ("string join([\"a\", null, \"b\"])", "\"ab\""),
    ("string join([], \",\")", "\"\""),
    // Numbers
    ("decimal(2.5, 0)", "2"),
    ("decimal(3.5, 0)", "4"),
    ("decimal(1 / 3, 2)", "0.33"),
    ("floor(-0.1)", "-1"),
    ("ceiling(-0.9)", "0"),
    ("round up(1.01, 1)", "1.1"),
    ("round up(-1.01, 1)", "-1.1"),
    ("round down(1.09, 1)", "1"),
    ("round half up(2.5, 0)", "3"),
    ("round half up(-2.5, 0)", "-3"),
    ("round half down(2.5, 0)", "2"),
    ("round half down(-2.5, 0)", "-2"),
    ("abs(-3)", "3"),
    ("sqrt(16)", "4"),
    ("sqrt(-1)", "null"),
    ("log(1)", "0"),
    ("log(0)", "null"),
    ("exp(0)", "1"),
    ("modulo(12, -5)", "-3"),
    ("modulo(5.5, 2)", "1.5"),
    ("modulo(1, 0)", "null"),
    ("odd(3)", "true"),
    ("odd(0)", "false"),
    ("even(-2)", "true"),
    ("even(2.5)", "null"),
    // Contexts
    ("get value({a: 1}, \"b\")", "null"),
    ("get entries({a: 1})", "[{key: \"a\", value: 1}]"),
    ("context put({a: 1}, \"a\", 2)", "{a: 2}"),
    ("context merge([{a: 1}, {a: 2, b: 3}])", "{a: 2, b: 3}"),
    ("context merge([1])", "null"),
    ("context([{key: \"a\", value: 1}])", "{a: 1}"),
    ("context([{key: \"a\"}])", "null"),
    ("get or else(null, 1)", "1"),
    ("get or else(2, 1)", "2"),
    ("is defined(x)", "true"),
    // Dates
    ("day of week(@\"2024-02-29\")", "\"Thursday\""),
    ("month of year(@\"2024-02-29\")", "\"February\""),
    ("day of year(@\"2024-12-31\")", "366"),
    ("week of year(@\"2024-12-30\")", "1"),
    ("week of year(@\"2021-01-03\")", "53"),
    ("@\"2024-02-29T10:30:15Z\".minute", "30"),
    ("@\"2024-02-29\".weekday", "4"),
    ("@\"P1Y2M\".months", "2"),
    ("@\"P1DT2H3M4S\".seconds", "4"),
    ("@\"10:00:00+02:00\".time offset", "PT2H"),
    ("now() - @\"2026-03-01T09:00:00Z\"", "PT1H"),
    ("today() - @\"2026-02-28\"", "P1D"),
    ("@\"2024-01-31\" + @\"P1M\"", "2024-02-29"),
    ("@\"PT1H\" * 3", "PT3H"),
    ("@\"PT1H\" / @\"PT15M\"", "4"),
    ("@\"P1Y\" + @\"PT1H\"", "null"),
    // Lists
    ("min([])", "null"),
    ("min([\"b\", \"a\"])", "\"a\""),
    ("min([1, \"a\"])", "null"),
    ("max(@\"2024-01-01\", @\"2024-01-02\")", "2024-01-02"),
    ("sum([])", "null"),
    ("sum(1, 2, 3)", "6"),
    ("mean([1, 2])", "1.5"),
    ("product([2, 3, 4])", "24"),
    ("median([3, 1, 2])", "2"),
    ("median([1, 2, 3, 4])", "2.5"),
    ("stddev([2, 4, 6])", "2"),
    ("stddev([1])", "null"),
    ("all([])", "true"),
    ("all([true, null])", "null"),
    ("all([false, null])", "false"),
    ("any([])", "false"),
    ("any([false, null])", "null"),
    ("any([true, null])", "true"),
    ("count([])", "0"),
    ("count([null])", "1"),
    ("concatenate([1], [2, 1], [])", "[1, 2, 1]"),
    ("union([1], [2, 1])", "[1, 2]"),
    ("list contains([1, null], null)", "true"),
    ("index of([1, 2, 1], 3)", "[]"),
    ("append([], 1, 2)", "[1, 2]"),
    ("reverse([1, 2, 3])", "[3, 2, 1]"),
    ("sublist([1, 2, 3], 2)", "[2, 3]"),
    ("sublist([1, 2, 3], -2, 1)", "[2]"),
    ("sublist([1, 2, 3], 3, 2)", "null"),
    ("remove([1, 2, 3], 2)", "[1, 3]"),
    ("remove([1], 2)", "null"),
    ("insert before([1, 3], 2, 2)", "[1, 2, 3]"),
    ("insert before([1, 3], 0, 2)", "null"),
    ("list replace([1, 2, 3], -1, 9)", "[1, 2, 9]"),
    ("distinct values([1, 1.0, \"1\", null, null])", "[1, \"1\", null]"),
    ("duplicate values([1, 2, 1, 2, 3])", "[1, 2]"),
    ("flatten([[], [1, [2]], 3])", "[1, 2, 3]"),
    ("sort([3, 1, 2])", "[1, 2, 3]"),
    ("sort([\"b\", \"a\"], function(x, y) x < y)", "[\"a\", \"b\"]"),
    // Truth with three values
    ("true and true", "true"),
    ("null and false", "false"),
    ("null and true", "null"),
    ("null or true", "true"),
    ("null or false", "null"),
    ("1 and true", "null"),
    ("not(null)", "null"),
    // Comparison
    ("1 = 1.0", "true"),
    ("null = null", "true"),
    ("null != 1", "true"),
    ("null < 1", "null"),
    ("\"a\" < \"b\"", "true"),
    ("[1, [2]] = [1, [2]]", "true"),
    ("{a: 1, b: 2} = {b: 2, a: 1}", "true"),
    ("@\"PT60M\" = @\"PT1H\"", "true"),
    ("@\"P1Y\" = @\"P12M\"", "true"),
    ("5 between 5 and 5", "true"),
    ("5 in (1..5)", "false"),
    ("5 in (1..5]", "true"),
    ("1 in [1..5)", "true"),
    ("5 in <= 5", "true"),
    ("5 in (1, < 3)", "false"),
    ("\"b\" in [\"a\"..\"c\"]", "true"),
    ("null in (1, null)", "true"),
    // Arithmetic
    ("2 + 3 * 4 ** 2", "50"),
    ("2 ** 3 ** 2", "64"),
    ("(2 + 3) * 4", "20"),
    ("7 - 2 - 1", "4"),
    ("8 / 4 / 2", "1"),
    ("-2 ** 2", "4"),
    ("--1", "1"),
    ("0 / 0", "null"),
    ("1 + \"a\"", "null"),
    ("79228162514264337593543950335 + 1", "null"),
    ("1 + null", "null"),
    // Paths and filters
    ("{a: {b: [1, 2]}}.a.b[2]", "2"),
    ("{a: 1}.b", "null"),
    ("null.a", "null"),
    ("[{a: 1}, {a: 2}].a", "[1, 2]"),
    ("[{a: 1}, {a: 2}][a > 1]", "[{a: 2}]"),
    ("[1, 2, 3][0]", "null"),
    ("[1, 2, 3][4]", "null"),
    ("[1, 2, 3][-3]", "1"),
    ("[1, 2, 3][item >= 2][1]", "2"),
    ("[1, 2, 3][null]", "[]"),
    ("5[1]", "5"),
    ("[1..5].start included", "true"),
    ("(1..5].start included", "false"),
    ("[1..5].end", "5"),
    // Iteration, conditions, functions
    ("for x in [], y in [1] return x", "[]"),
    ("for x in [1, 2], y in [x, 10] return x * y", "[1, 10, 4, 20]"),
    ("some x in [] satisfies true", "false"),
    ("every x in [] satisfies false", "true"),
    ("some x in [1, 2], y in [2, 3] satisfies x = y", "true"),
    ("if null then 1 else 2", "2"),
    ("if true then 1 else 1 / 0", "1"),
    ("(function(a, b) a - b)(b: 1, a: 3)", "2"),
    ("{f: function(x) if x = 0 then 0 else 1, r: f(5)}.r", "1"),
    ("{a: 1, b: a + 1, c: b + a}.c", "3"),
    // Types and literals
    ("\"a\" instance of string", "true"),
    ("1 instance of string", "false"),
    ("null instance of Any", "false"),
    ("true instance of boolean", "true"),
    ("@\"2024-01-01\" instance of date", "true"),
    ("\"\\u0041\\n\\\"\"", "\"A\\n\\\"\""),
    (".5 + 1", "1.5"),
    ("1 // to the end\n + 1", "2"),
    ("nobody(1)", "null"),
];

#[test]
fn every_construct_and_function_gives_what_it_should() {
    let wrong: Vec<String> = ROWS
        .iter()
        .filter(|(text, expected)| eval(text) != *expected)
        .map(|(text, expected)| format!("{text} gives {} and not {expected}", eval(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_has_a_row() {
    let called = |name: &&str| {
        ROWS.iter().any(|(text, _)| {
            text.match_indices(&format!("{name}(")).any(|(at, _)| {
                !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == ' ')
            })
        })
    };
    let missing: Vec<&str> = FUNCTIONS.split('|').filter(|name| !called(name)).collect();
    assert_eq!(missing, [""; 0]);
}
