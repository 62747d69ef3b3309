//! The document as JSON Schema (2020-12), for OpenAPI: what REST answers to somebody, and takes from them.

use serde_json::{Map, Value, json};

use crate::{
    access::Who,
    condition::Condition,
    field::{Field, Type},
    read::Kind,
    rule::{self, Rule},
    spec::Spec,
};

/// The schema of a record as somebody may see it ([`Kind::View`]), make it ([`Kind::Create`]) or change it
/// ([`Kind::Edit`], where every field may be left out).
///
/// ```
/// # use form::{Form, Kind, Labels, Who, schema};
/// # #[derive(serde::Serialize, serde::Deserialize, Form)]
/// # #[form(table = "pet", labels = LABELS)]
/// # struct Pet {
/// #     #[form(id, pattern = "[a-z]+")]
/// #     name: String,
/// #     legs: Option<u8>,
/// # }
/// # const LABELS: Labels = Labels::new("key|en\npet|Pets\nname|Name\nlegs|Legs");
/// let schema = schema::record(Pet::spec(), &Who::default(), Kind::Create, "en");
/// assert_eq!(schema["required"], serde_json::json!(["name"]));
/// assert_eq!(schema["properties"]["legs"]["type"], serde_json::json!(["integer", "null"]));
/// assert_eq!(schema["properties"]["legs"]["maximum"], 255);
/// ```
#[must_use]
pub fn record(spec: &Spec, who: &Who, kind: Kind, lang: &str) -> Value {
    let writes = matches!(kind, Kind::Create | Kind::Edit);
    let fields = spec
        .document
        .fields
        .iter()
        .filter(|field| if writes { spec.may_enter(who, kind, field) } else { spec.may_see(who, field) });
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for field in fields {
        let id = field.name == spec.document.id;
        let needed = field.required == Condition::Always && field.default.is_none();
        if !writes || (kind == Kind::Create && (id || needed)) {
            required.push(Value::from(field.name.as_str()));
        }
        properties.insert(field.name.clone(), property(spec, field, lang));
    }
    json!({
        "title": spec.document.label("", lang),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(spec: &Spec, field: &Field, lang: &str) -> Value {
    let mut out = Map::new();
    let mut set = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
    set("title", spec.document.label(&field.name, lang).into());
    if let Some(help) = spec.document.text(&format!("{}.help", field.name), lang) {
        set("description", help.into());
    }
    let nothing =
        field.nullable || matches!(field.kind, Type::Number { .. } | Type::Money { .. } | Type::Date);
    let null = nothing && field.required != Condition::Always;
    let named = |name: &str| if null { json!([name, "null"]) } else { json!(name) };
    match &field.kind {
        Type::Check => set("type", json!("boolean")),
        Type::Number { decimals } => {
            set("type", named(if *decimals == 0 { "integer" } else { "number" }));
            let (min, max) = field.range();
            min.into_iter().for_each(|min| set("minimum", min.clone()));
            max.into_iter().for_each(|max| set("maximum", max.clone()));
        }
        Type::Money { decimals } => {
            set("type", named("string"));
            set("pattern", format!("^-?\\d+(\\.\\d{{1,{}}})?$", (*decimals).max(1)).into());
        }
        Type::Select { options } => {
            set("type", named("string"));
            let empty = (!null && field.required != Condition::Always).then(|| json!(""));
            let none = null.then_some(Value::Null);
            let options = options.iter().map(|option| json!(option));
            set("enum", options.chain(empty).chain(none).collect());
        }
        kind => {
            set("type", named("string"));
            match kind {
                Type::Date => set("format", json!("date")),
                Type::Email if field.required == Condition::Always => set("format", json!("email")),
                _ => {}
            }
            rule::longest(field).into_iter().for_each(|max| set("maxLength", max.into()));
        }
    }
    for rule in &field.rules {
        match rule {
            // Where nothing is allowed, an empty text is, which no pattern or length may forbid.
            Rule::Pattern(pattern)
                if field.required == Condition::Always || field.name == spec.document.id =>
            {
                set("pattern", format!("^(?:{pattern})$").into());
            }
            Rule::Length { min, .. } if *min > 0 && field.required == Condition::Always => {
                set("minLength", (*min).into());
            }
            _ => {}
        }
    }
    if field.computed.is_some() {
        set("readOnly", json!(true));
    }
    field.default.iter().for_each(|default| set("default", default.clone()));
    Value::Object(out)
}
