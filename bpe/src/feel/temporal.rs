//! Dates, times and durations: reading them from ISO 8601 and writing them back.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};

use super::value::Value;

/// Whatever temporal value the text is.
pub(super) fn any(text: &str) -> Option<Value> {
    duration(text).or_else(|| date_and_time(text)).or_else(|| date(text)).or_else(|| time(text))
}

pub(super) fn date(text: &str) -> Option<Value> {
    let shaped = text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    shaped.then(|| text.parse().ok().map(Value::Date)).flatten()
}

pub(super) fn time(text: &str) -> Option<Value> {
    let (clock, zone) = split_zone(text)?;
    let shaped =
        clock.len() >= 8 && clock.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
    let time: Time = shaped.then(|| clock.parse().ok()).flatten()?;
    Some(Value::Time(time, zone))
}

/// A date with a time; a date alone is midnight.
pub(super) fn date_and_time(text: &str) -> Option<Value> {
    let (day, clock) = text.split_once('T')?;
    let Value::Date(day) = date(day)? else { return None };
    let Value::Time(clock, zone) = time(clock)? else { return None };
    Some(Value::DateTime(day.to_datetime(clock), zone))
}

/// A duration: of years and months, or of days and smaller units, never both.
pub(super) fn duration(text: &str) -> Option<Value> {
    if !text.trim_start_matches('-').starts_with('P') {
        return None;
    }
    let span: Span = text.parse().ok()?;
    let months = i64::from(span.get_years()) * 12 + i64::from(span.get_months());
    let rest = span.years(0).months(0);
    if rest.is_zero() && text.contains(['Y', 'M']) && !text.contains('T') {
        return Some(Value::Months(months));
    }
    if months != 0 {
        return None;
    }
    let days = rest.get_weeks().checked_mul(7)?.checked_add(rest.get_days())?;
    let clock = rest.weeks(0).days(0).to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    let days = SignedDuration::from_hours(i64::from(days).checked_mul(24)?);
    clock.checked_add(days).map(Value::Duration)
}

/// `text` without its zone, and the zone: `Z`, an offset, or `@` and a name.
fn split_zone(text: &str) -> Option<(&str, Option<TimeZone>)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, Some(TimeZone::UTC)));
    }
    if let Some((clock, name)) = text.split_once('@') {
        return Some((clock, Some(TimeZone::get(name).ok()?)));
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, None)) };
    let (clock, offset) = text.split_at(at);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    let seconds = if offset.starts_with('-') { -seconds } else { seconds };
    Some((clock, Some(Offset::from_seconds(seconds).ok()?.to_time_zone())))
}

pub(super) fn write_zone(
    f: &mut fmt::Formatter<'_>,
    zone: Option<&TimeZone>,
    at: Option<DateTime>,
) -> fmt::Result {
    let Some(zone) = zone else { return Ok(()) };
    if let Some(name) = zone.iana_name().filter(|name| *name != "UTC") {
        return write!(f, "@{name}");
    }
    let offset = at.and_then(|at| at.to_zoned(zone.clone()).ok()).map(|zoned| zoned.offset().seconds());
    let seconds = offset.or_else(|| zone.to_fixed_offset().ok().map(Offset::seconds)).unwrap_or(0);
    if seconds == 0 {
        return f.write_str("Z");
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    write!(f, "{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() / 60 % 60)
}

pub(super) fn write_duration(f: &mut fmt::Formatter<'_>, duration: SignedDuration) -> fmt::Result {
    let total = duration.as_secs().unsigned_abs();
    let nanos = duration.subsec_nanos().unsigned_abs();
    let sign = if duration.is_negative() { "-" } else { "" };
    let (days, hours, minutes, seconds) = (total / 86_400, total / 3600 % 24, total / 60 % 60, total % 60);
    write!(f, "{sign}P")?;
    if days > 0 {
        write!(f, "{days}D")?;
    }
    if hours + minutes + seconds > 0 || nanos > 0 || days == 0 {
        f.write_str("T")?;
        if hours > 0 {
            write!(f, "{hours}H")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}M")?;
        }
        if nanos > 0 {
            let fraction = format!("{nanos:09}");
            write!(f, "{seconds}.{}S", fraction.trim_end_matches('0'))?;
        } else if seconds > 0 || hours + minutes == 0 {
            write!(f, "{seconds}S")?;
        }
    }
    Ok(())
}

pub(super) fn write_months(f: &mut fmt::Formatter<'_>, months: i64) -> fmt::Result {
    let sign = if months < 0 { "-" } else { "" };
    let (years, rest) = (months.unsigned_abs() / 12, months.unsigned_abs() % 12);
    write!(f, "{sign}P")?;
    if years > 0 {
        write!(f, "{years}Y")?;
    }
    if rest > 0 || years == 0 {
        write!(f, "{rest}M")?;
    }
    Ok(())
}

/// The time since midnight UTC, which is how times of different zones compare.
pub(super) fn time_in_utc(time: Time, zone: &TimeZone) -> SignedDuration {
    let offset = zone.to_fixed_offset().map_or(0, |offset| i64::from(offset.seconds()));
    time.duration_since(Time::midnight()) - SignedDuration::from_secs(offset)
}

/// The exact time of a date or a date and time, taking one without zone as UTC.
pub(super) fn timestamp(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Date(date) => Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp()),
        Value::DateTime(date, zone) => {
            Some(date.to_zoned(zone.clone().unwrap_or(TimeZone::UTC)).ok()?.timestamp())
        }
        _ => None,
    }
}

/// How long it is from one date or date and time to another.
pub(super) fn between(from: &Value, to: &Value) -> Option<SignedDuration> {
    Some(timestamp(to)?.duration_since(timestamp(from)?))
}

/// The date part of a date or a date and time.
pub(super) fn date_of(value: &Value) -> Option<Date> {
    match value {
        Value::Date(date) => Some(*date),
        Value::DateTime(datetime, _) => Some(datetime.date()),
        _ => None,
    }
}
