//! Conversions between types, and the properties of dates, times, durations and ranges.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::temporal;
use super::value::Value;

/// `number(text)`, also with the grouping and decimal separators given.
pub(super) fn number(arguments: &[Value]) -> Option<Value> {
    match arguments {
        [Value::Number(number)] => Some(Value::Number(*number)),
        [Value::Text(text), rest @ ..] => {
            let mut text = text.trim().to_owned();
            if let Some(Value::Text(group)) = rest.first() {
                text = text.replace(&**group, "");
            }
            if let Some(Value::Text(point)) = rest.get(1) {
                text = text.replace(&**point, ".");
            }
            let number = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&text));
            number.ok().map(Value::Number)
        }
        _ => None,
    }
}

pub(super) fn date(arguments: &[Value]) -> Option<Value> {
    match arguments {
        [Value::Text(text)] => temporal::date(text).or_else(|| date(&[temporal::date_and_time(text)?])),
        [value] => temporal::date_of(value).map(Value::Date),
        [year, month, day] => {
            let (year, month, day) = (small(year)?, small(month)?, small(day)?);
            let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
            date.ok().map(Value::Date)
        }
        _ => None,
    }
}

pub(super) fn time(arguments: &[Value]) -> Option<Value> {
    match arguments {
        [Value::Text(text)] => temporal::time(text),
        [Value::DateTime(datetime, zone)] => Some(Value::Time(datetime.time(), zone.clone())),
        [Value::Time(time, zone)] => Some(Value::Time(*time, zone.clone())),
        [Value::Date(_)] => Some(Value::Time(Time::midnight(), Some(TimeZone::UTC))),
        [hour, minute, second, rest @ ..] => {
            let [hour, minute, second] = [small(hour)?, small(minute)?, small(second)?];
            let narrow = |part: i16| i8::try_from(part).ok();
            let time = Time::new(narrow(hour)?, narrow(minute)?, narrow(second)?, 0).ok()?;
            let zone = match rest.first() {
                Some(Value::Duration(offset)) => {
                    let seconds = i32::try_from(offset.as_secs()).ok()?;
                    Some(jiff::tz::Offset::from_seconds(seconds).ok()?.to_time_zone())
                }
                _ => None,
            };
            Some(Value::Time(time, zone))
        }
        _ => None,
    }
}

pub(super) fn date_and_time(arguments: &[Value]) -> Option<Value> {
    match arguments {
        [Value::Text(text)] => temporal::date_and_time(text).or_else(|| match temporal::date(text)? {
            Value::Date(date) => Some(Value::DateTime(date.to_datetime(Time::midnight()), None)),
            _ => None,
        }),
        [Value::DateTime(datetime, zone)] => Some(Value::DateTime(*datetime, zone.clone())),
        [day, Value::Time(time, zone)] => {
            Some(Value::DateTime(temporal::date_of(day)?.to_datetime(*time), zone.clone()))
        }
        _ => None,
    }
}

pub(super) fn duration(arguments: &[Value]) -> Option<Value> {
    match arguments {
        [Value::Text(text)] => temporal::duration(text),
        [value @ (Value::Duration(_) | Value::Months(_))] => Some(value.clone()),
        _ => None,
    }
}

/// The whole months from one date to another.
pub(super) fn months_between(arguments: &[Value]) -> Option<Value> {
    let [from, to] = arguments else { return None };
    let span = temporal::date_of(from)?.until((jiff::Unit::Year, temporal::date_of(to)?)).ok()?;
    Some(Value::Months(i64::from(span.get_years()) * 12 + i64::from(span.get_months())))
}

/// `value.name` for values that are not contexts.
pub(super) fn property(value: &Value, name: &str) -> Option<Value> {
    if let Some(date) = temporal::date_of(value) {
        match name {
            "year" => return Some(i64::from(date.year()).into()),
            "month" => return Some(i64::from(date.month()).into()),
            "day" => return Some(i64::from(date.day()).into()),
            "weekday" => return Some(i64::from(date.weekday().to_monday_one_offset()).into()),
            _ => {}
        }
    }
    match value {
        Value::DateTime(datetime, zone) => property(&Value::Time(datetime.time(), zone.clone()), name),
        Value::Time(time, zone) => match name {
            "hour" => Some(i64::from(time.hour()).into()),
            "minute" => Some(i64::from(time.minute()).into()),
            "second" => Some(i64::from(time.second()).into()),
            "time offset" => {
                let seconds = zone.as_ref()?.to_fixed_offset().ok()?.seconds();
                Some(Value::Duration(jiff::SignedDuration::from_secs(i64::from(seconds))))
            }
            "timezone" => zone.as_ref()?.iana_name().map(Value::from),
            _ => None,
        },
        Value::Duration(duration) => {
            let seconds = duration.as_secs();
            match name {
                "days" => Some((seconds / 86_400).into()),
                "hours" => Some((seconds / 3600 % 24).into()),
                "minutes" => Some((seconds / 60 % 60).into()),
                "seconds" => Some((seconds % 60).into()),
                _ => None,
            }
        }
        Value::Months(months) => match name {
            "years" => Some((months / 12).into()),
            "months" => Some((months % 12).into()),
            _ => None,
        },
        Value::Range(range) => {
            let end = |end: &Option<(Value, bool)>| end.as_ref().map(|(value, _)| value.clone());
            let included = |end: &Option<(Value, bool)>| end.as_ref().is_some_and(|(_, closed)| *closed);
            match name {
                "start" => end(&range.low),
                "end" => end(&range.high),
                "start included" => Some(included(&range.low).into()),
                "end included" => Some(included(&range.high).into()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn small(value: &Value) -> Option<i16> {
    use rust_decimal::prelude::ToPrimitive;
    value.as_number().filter(|number| number.fract().is_zero()).and_then(|number| number.to_i16())
}
