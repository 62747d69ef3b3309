//! Whatever comes in, nothing panics: expressions, files, and inputs to instances.

use bpe::feel::{Context, evaluate, parse};
use bpe::{Input, Library, Limits, Model, start, step};
use jiff::Timestamp;
use proptest::prelude::*;

/// Pieces of FEEL, so that random text gets past the lexer.
const PIECES: [&str; 72] = [
    "1",
    "0",
    "-",
    "2.5",
    "1e9",
    "\"a\"",
    "\"\\u0041\"",
    "@\"P1Y\"",
    "@\"2026-02-29\"",
    "@\"PT99999999H\"",
    "x",
    "y",
    "list",
    "ctx",
    "null",
    "true",
    "false",
    "+",
    "*",
    "/",
    "**",
    "<",
    "<=",
    "=",
    "!=",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "..",
    "in",
    "between",
    "and",
    "or",
    "if",
    "then",
    "else",
    "for",
    "return",
    "some",
    "every",
    "satisfies",
    "instance of",
    "function(a)",
    "not",
    "count",
    "sum",
    "date",
    "date and time",
    "time",
    "duration",
    "years and months duration",
    "substring",
    "string",
    "number",
    "floor",
    "round up",
    "modulo",
    "sublist",
    "sort",
    "remove",
    "flatten",
    "get entries",
    "sqrt",
    "exp",
    "99999999999999999999999999999",
    "item",
];

fn file_with_everything() -> String {
    let nodes = "<startEvent id=\"s\"/><endEvent id=\"e\"/><parallelGateway id=\"f\"/><inclusiveGateway id=\"j\"/>\
        <exclusiveGateway id=\"x\" default=\"x->j\"/><userTask id=\"a\"/><serviceTask id=\"b\" isForCompensation=\"true\"/>\
        <subProcess id=\"u\"><startEvent id=\"us\"/><task id=\"ut\"/><sequenceFlow id=\"uf\" sourceRef=\"us\" \
        targetRef=\"ut\"/><subProcess id=\"es\" triggeredByEvent=\"true\"><startEvent id=\"et\"><errorEventDefinition/>\
        </startEvent></subProcess></subProcess><boundaryEvent id=\"t\" attachedToRef=\"u\"><timerEventDefinition>\
        <timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent><boundaryEvent id=\"c\" \
        attachedToRef=\"a\"><compensateEventDefinition/></boundaryEvent><association id=\"as\" sourceRef=\"c\" \
        targetRef=\"b\"/><intermediateThrowEvent id=\"th\"><compensateEventDefinition activityRef=\"a\"/>\
        </intermediateThrowEvent><callActivity id=\"k\" calledElement=\"p\"/>\
        <eventBasedGateway id=\"g\"/><intermediateCatchEvent id=\"w\"><timerEventDefinition><timeDuration>PT1M</timeDuration>\
        </timerEventDefinition></intermediateCatchEvent>";
    let flows = [
        "s->f",
        "f->a",
        "f->u",
        "f->x",
        "a->th",
        "th->j",
        "u->j",
        "t->k",
        "k->j",
        "x->g: = n > 1",
        "g->w",
        "w->j",
        "x->j",
        "j->e",
    ];
    crate::common::file(&crate::common::process("p", nodes, &flows))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn expressions(pieces in prop::collection::vec(0..PIECES.len(), 0..24), noise in ".{0,8}") {
        let limits = Limits::default();
        let words: Vec<&str> = pieces.iter().map(|at| PIECES[*at]).collect();
        for text in [words.join(" "), words.concat(), format!("{}{noise}", words.join(" ")), noise] {
            if let Ok(expr) = parse(&text, &limits) {
                let names: Context = crate::common::variables("{\"x\": 7, \"y\": \"b\", \"list\": [3, 1, 2], \"ctx\": {\"a\": 1}}");
                if let Ok(answer) = evaluate(&expr, &names, Timestamp::UNIX_EPOCH, &limits) {
                    let _ = (answer.value.to_string(), serde_json::to_string(&answer.value.into_data()));
                }
            }
        }
    }

    #[test]
    fn files_and_inputs(
        changes in prop::collection::vec((any::<u16>(), any::<u8>(), 0..4_u8), 0..12),
        inputs in prop::collection::vec((any::<u8>(), 0..9_u64), 0..12),
    ) {
        let limits = Limits::default();
        let mut bytes = file_with_everything().into_bytes();
        // Words are swapped rather than bytes broken, mostly: what stays XML gets further.
        for (place, byte, kind) in changes {
            let at = usize::from(place) % bytes.len();
            let words: [&[u8]; 4] = [b"\"a\"", b"\"u\"", b"\"j\"", b"\"gone\""];
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.drain(at..(at + usize::from(byte % 16)).min(bytes.len()))),
                _ => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let quoted: Vec<_> = text.match_indices("Ref=\"").map(|(at, _)| at + 4).collect();
                    if let Some(start) = quoted.get(at % quoted.len().max(1)) {
                        let end = start + 2 + text[start + 1..].find('"').unwrap_or(0);
                        bytes = [&text.as_bytes()[..*start], words[usize::from(byte) % 4], &text.as_bytes()[end..]].concat();
                    }
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        let Ok(document) = bpe::Document::read(&bytes, &limits) else { return Ok(()) };
        let Ok(model) = Model::of(document, &limits) else { return Ok(()) };
        for process in &model.processes {
            if let Some(diagram) = bpe::Diagram::of(&model.document, &process.id) {
                let _ = diagram.svg(&bpe::Marks::default());
            }
        }
        // Even what a check would refuse must not panic when it is run.
        let mut library = Library::new();
        for process in model.processes {
            library.add(process);
        }
        let Ok((mut state, _)) = start(&library, &limits, "p", None, Context::new(), Timestamp::UNIX_EPOCH) else {
            return Ok(());
        };
        for (kind, at) in inputs {
            let job = state.jobs().map(|(key, _)| key).nth(at as usize).unwrap_or(at);
            let subscription = state.subscriptions.keys().copied().nth(at as usize).unwrap_or(at);
            let variables = Context::from([("n".into(), at.into())]);
            let input = match kind % 8 {
                0..=2 => Input::Complete { job, variables },
                3 => Input::Fire { subscription, variables },
                4 => Input::Throw { job, code: "E".into(), variables },
                5 => Input::Trigger { element: ["t", "et", "c", "w"][at as usize % 4].into(), variables },
                6 => Input::Retry { token: state.incidents().next().map_or(at, |(key, _, _)| key) },
                _ => Input::Fail { job, what: "no".into(), retries: at as u32 % 2 },
            };
            let _ = step(&library, &limits, &mut state, input, Timestamp::UNIX_EPOCH);
            serde_json::to_string(&state).unwrap();
        }
    }
}
