//! FEEL as a table of expressions and what they give.

use bpe::feel::{Context, Value, evaluate, parse};
use bpe::{Error, Limits};

fn names() -> Context {
    let json = r#"{"x": 5, "name": "Ann", "list": [1, 2, 3, 4], "t": true, "order": {"id": "o1", "total": 12.5,
        "items": [{"sku": "a", "qty": 2}, {"sku": "b", "qty": 5}]}}"#;
    serde_json::from_str(json).unwrap()
}

pub(crate) fn eval(text: &str) -> String {
    let limits = Limits::default();
    let now = "2026-03-01T10:00:00Z".parse().unwrap();
    let expr = parse(text, &limits).unwrap_or_else(|error| panic!("{text}: {error}"));
    match evaluate(&expr, &names(), now, &limits).unwrap().value {
        Value::Text(text) => format!("{text:?}"),
        value => value.to_string(),
    }
}

#[test]
fn expressions_give_what_the_standard_says() {
    let table = [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("2 ** 10", "1024"),
        ("-x + 1", "-4"),
        ("0.1 + 0.2 = 0.3", "true"),
        ("10 / 4", "2.5"),
        ("1 / 0", "null"),
        ("\"a\" + \"b\"", "\"ab\""),
        ("x > 3 and name = \"Ann\"", "true"),
        ("missing > 3", "null"),
        ("missing = null", "true"),
        ("x != null", "true"),
        ("false and missing", "false"),
        ("true and missing", "null"),
        ("true or missing", "true"),
        ("not(t)", "false"),
        ("x in [1..5]", "true"),
        ("x in [1..5)", "false"),
        ("x in (1, 5, 7)", "true"),
        ("x in (> 7, < 2)", "false"),
        ("x in > 4", "true"),
        ("x in list", "false"),
        ("3 in list", "true"),
        ("x between 1 and 5", "true"),
        ("order.total", "12.5"),
        ("order.items[1].sku", "\"a\""),
        ("order.items[-1].sku", "\"b\""),
        ("order.items[qty > 2].sku", "[\"b\"]"),
        ("list[item > 2]", "[3, 4]"),
        ("order.items.qty", "[2, 5]"),
        ("sum(order.items.qty)", "7"),
        ("for i in 1..3 return i * i", "[1, 4, 9]"),
        ("for i in 3..1 return i", "[3, 2, 1]"),
        ("for a in [1, 2], b in [10, 20] return a + b", "[11, 21, 12, 22]"),
        ("some i in list satisfies i > 3", "true"),
        ("every i in list satisfies i > 3", "false"),
        ("if x > 3 then \"big\" else \"small\"", "\"big\""),
        ("{a: 1, b: a + 1}.b", "2"),
        ("count(list)", "4"),
        ("max(1, 7, 3)", "7"),
        ("min(list)", "1"),
        ("mean(list)", "2.5"),
        ("string length(name)", "3"),
        ("upper case(name)", "\"ANN\""),
        ("substring(\"foobar\", 3)", "\"obar\""),
        ("substring(\"foobar\", -2, 1)", "\"a\""),
        ("contains(name, \"nn\")", "true"),
        ("split(\"a,b\", \",\")", "[\"a\", \"b\"]"),
        ("string join([\"a\", \"b\"], \"-\")", "\"a-b\""),
        ("append(list, 5)", "[1, 2, 3, 4, 5]"),
        ("distinct values([1, 2, 1])", "[1, 2]"),
        ("flatten([1, [2, [3]]])", "[1, 2, 3]"),
        ("sort(list, function(a, b) a > b)", "[4, 3, 2, 1]"),
        ("index of([1, 2, 1], 1)", "[1, 3]"),
        ("list contains(list, 2)", "true"),
        ("decimal(1.255, 2)", "1.26"),
        ("floor(-1.5)", "-2"),
        ("modulo(-12, 5)", "3"),
        ("number(\"1,000.5\", \",\", \".\")", "1000.5"),
        ("string(1.50)", "\"1.5\""),
        ("date(\"2026-02-28\") + duration(\"P1D\")", "2026-03-01"),
        ("@\"2026-01-31\" + @\"P1M\"", "2026-02-28"),
        ("date and time(\"2026-03-01T10:00:00Z\") - duration(\"PT1H\")", "2026-03-01T09:00:00Z"),
        ("duration(\"P1DT2H\").hours", "2"),
        ("date(\"2026-03-01\").year", "2026"),
        ("day of week(date(\"2026-03-01\"))", "\"Sunday\""),
        ("duration(\"PT90M\")", "PT1H30M"),
        ("years and months duration(date(\"2025-01-01\"), date(\"2026-03-05\"))", "P1Y2M"),
        ("time(\"10:00:00Z\") < time(\"10:00:00-01:00\")", "true"),
        ("date(\"2026-03-02\") > date(\"2026-03-01\")", "true"),
        ("now()", "2026-03-01T10:00:00Z"),
        ("today()", "2026-03-01"),
        ("1 instance of number", "true"),
        ("get value(order, \"id\")", "\"o1\""),
        ("context put({a: 1}, \"b\", 2)", "{a: 1, b: 2}"),
        ("substring(start position: 2, string: \"abc\")", "\"bc\""),
        ("[1, 2] = [1, 2]", "true"),
        ("1 = \"1\"", "null"),
        ("is defined(missing)", "false"),
        ("all([true, false])", "false"),
        ("(function(n) n + 1)(2)", "3"),
        ("{f: function(n) n * 2}.f(4)", "8"),
        ("(1..3)", "(1..3)"),
        ("// a comment\n1 /* another */ + 1", "2"),
    ];
    let wrong: Vec<String> = table
        .iter()
        .filter(|(text, expected)| eval(text) != *expected)
        .map(|(text, expected)| format!("{text} gives {} and not {expected}", eval(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn parse_errors_name_the_place() {
    let error = parse("1 + ", &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "expected a value, found the end, at character 4 of the expression");
    let error = parse("x > #", &Limits::default()).unwrap_err();
    assert_eq!(error.at, 4);
    for bad in
        ["", "(1", "[1, 2", "{a 1}", "if x then 1", "\"open", "1 2", "for i 1 return 2", "a in (", "${x}"]
    {
        assert!(parse(bad, &Limits::default()).is_err(), "{bad} parses");
    }
}

#[test]
fn nothing_runs_away() {
    let limits = Limits::default();
    let deep = format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(parse(&deep, &limits).unwrap_err().what.contains("deeper"));
    let long = format!("1{}", "+1".repeat(10_000));
    assert!(parse(&long, &limits).unwrap_err().what.contains("in a row"));
    let slow = [
        "for i in 1..1000000000 return i",
        "every i in 1..100000, j in 1..100000 satisfies i + j > 0",
        "for i in 1..20000 return count(for j in 1..20000 return j)",
    ];
    for text in slow {
        let expr = parse(text, &limits).unwrap();
        let answer = evaluate(&expr, &names(), jiff::Timestamp::UNIX_EPOCH, &limits);
        assert!(matches!(answer, Err(Error::FeelSteps)), "{text}");
    }
    let doubling: Vec<String> = (1..60).map(|n| format!("a{n}: a{} + a{}", n - 1, n - 1)).collect();
    let expr = parse(&format!("{{a0: \"xxxxxxxxxxxxxxxx\", {}}}", doubling.join(", ")), &limits).unwrap();
    let answer = evaluate(&expr, &names(), jiff::Timestamp::UNIX_EPOCH, &limits);
    assert!(matches!(answer, Err(Error::FeelSteps)));
}

#[test]
fn null_comes_with_its_reason() {
    let limits = Limits::default();
    let answer =
        evaluate(&parse("missing > 5", &limits).unwrap(), &names(), jiff::Timestamp::UNIX_EPOCH, &limits)
            .unwrap();
    assert_eq!(answer.value, Value::Null);
    assert_eq!(answer.note.as_deref(), Some("the variable `missing` is undefined"));
}
