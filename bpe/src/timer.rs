//! Reading ISO 8601 dates, durations and repeated intervals, and finding when they are due.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::feel::Value;
use crate::model::TimerKind;

/// When a timer is due, and when again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Schedule {
    /// The next time.
    pub due: Timestamp,
    /// How it goes on, if it repeats.
    pub repeat: Option<Repeat>,
}

/// A repetition. Times are counted from the first one, so that months of different length do not drift.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Repeat {
    from: Timestamp,
    every: Span,
    /// How many intervals after `from` the next time is.
    count: i64,
    /// How many times are left, the next one included; none is without end.
    left: Option<u64>,
}

impl Schedule {
    /// The schedule after it was due once; none when it is over.
    pub fn next(&self) -> Option<Self> {
        let mut repeat = self.repeat.clone()?;
        repeat.left = match repeat.left {
            Some(0 | 1) => return None,
            left => left.map(|left| left - 1),
        };
        repeat.count += 1;
        let due = after(repeat.from, repeat.every, repeat.count).ok()?;
        Some(Self { due, repeat: Some(repeat) })
    }
}

/// Finds when a timer is first due.
pub(crate) fn schedule(kind: TimerKind, value: &Value, now: Timestamp) -> Result<Schedule, String> {
    let text = match value {
        Value::Null => return Err("it is null".to_owned()),
        value => value.to_string(),
    };
    match kind {
        TimerKind::Date => Ok(Schedule { due: date(&text)?, repeat: None }),
        TimerKind::Duration => Ok(Schedule { due: after(now, span(&text)?, 1)?, repeat: None }),
        TimerKind::Cycle => cycle(&text, now),
    }
}

/// `R5/PT10M`, `R3/<start>/P1D`, `R3/P1D/<end>`; without number it repeats for ever.
fn cycle(text: &str, now: Timestamp) -> Result<Schedule, String> {
    let mut parts = text.split('/');
    let count = parts
        .next()
        .and_then(|part| part.strip_prefix('R'))
        .ok_or("a cycle begins with R, as in R3/PT10M")?;
    let left = match count {
        "" | "-1" => None,
        count => Some(count.parse::<u64>().map_err(|_| format!("`{count}` is no number of repetitions"))?),
    };
    if left == Some(0) {
        return Err("it repeats no times".to_owned());
    }
    let (first, second) = (parts.next().ok_or("the interval is missing, as in R3/PT10M")?, parts.next());
    let (from, every, count) = match second {
        None => (now, span(first)?, 1),
        Some(every) if every.starts_with('P') => (date(first)?, span(every)?, 0),
        Some(end) => {
            let every = span(first)?;
            let times = i64::try_from(left.ok_or("an interval with an end needs a number of repetitions")?);
            let times = times.map_err(|_| "too many repetitions".to_owned())?;
            (after(date(end)?, every, -times)?, every, 1)
        }
    };
    if parts.next().is_some() {
        return Err("it has too many parts".to_owned());
    }
    if !every.is_positive() {
        return Err("the interval must be positive".to_owned());
    }
    Ok(Schedule { due: after(from, every, count)?, repeat: Some(Repeat { from, every, count, left }) })
}

/// `count` intervals after a time, by the calendar in UTC.
fn after(from: Timestamp, every: Span, count: i64) -> Result<Timestamp, String> {
    let beyond = |_| "it lies beyond the calendar".to_owned();
    let span = every.checked_mul(count).map_err(beyond)?;
    Ok(from.to_zoned(TimeZone::UTC).checked_add(span).map_err(beyond)?.timestamp())
}

fn span(text: &str) -> Result<Span, String> {
    let shaped = text.starts_with('P') || text.starts_with("-P");
    shaped.then(|| text.parse().ok()).flatten().ok_or_else(|| format!("`{text}` is no ISO 8601 duration"))
}

/// A time with an offset, or without one, which is taken as UTC.
fn date(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("`{text}` is no ISO 8601 date and time");
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    if let Some((local, zone)) = text.split_once('@') {
        let zone = TimeZone::get(zone).map_err(|_| wrong())?;
        let local: DateTime = local.parse().map_err(|_| wrong())?;
        return Ok(local.to_zoned(zone).map_err(|_| wrong())?.timestamp());
    }
    let local: DateTime = text.parse().map_err(|_| wrong())?;
    Ok(local.to_zoned(TimeZone::UTC).map_err(|_| wrong())?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(kind: TimerKind, text: &str) -> Vec<String> {
        let now = "2026-01-31T00:00:00Z".parse().unwrap();
        let first = schedule(kind, &text.into(), now).unwrap();
        std::iter::successors(Some(first), Schedule::next)
            .take(4)
            .map(|schedule| schedule.due.to_string())
            .collect()
    }

    #[test]
    fn reads_dates_durations_and_cycles() {
        assert_eq!(times(TimerKind::Date, "2026-05-01T10:00:00+02:00"), ["2026-05-01T08:00:00Z"]);
        assert_eq!(times(TimerKind::Date, "2026-05-01"), ["2026-05-01T00:00:00Z"]);
        assert_eq!(times(TimerKind::Duration, "P1M"), ["2026-02-28T00:00:00Z"]);
        assert_eq!(times(TimerKind::Cycle, "R2/PT10M"), ["2026-01-31T00:10:00Z", "2026-01-31T00:20:00Z"]);
        assert_eq!(
            times(TimerKind::Cycle, "R3/2026-01-31T00:00:00Z/P1M"),
            ["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]
        );
        assert_eq!(
            times(TimerKind::Cycle, "R2/P1D/2026-02-10"),
            ["2026-02-09T00:00:00Z", "2026-02-10T00:00:00Z"]
        );
        assert_eq!(times(TimerKind::Cycle, "R/PT1H").len(), 4);
    }

    #[test]
    fn refuses_what_it_cannot_keep() {
        let now = Timestamp::UNIX_EPOCH;
        for bad in
            ["PT10M", "R0/PT1S", "R3", "R3/PT0S", "R3/x", "Rx/PT1S", "R/PT1S/2026-01-01", "R1/P1D/P1D/P1D"]
        {
            assert!(schedule(TimerKind::Cycle, &bad.into(), now).is_err(), "{bad}");
        }
        assert!(schedule(TimerKind::Duration, &"P99999Y".into(), now).is_err());
        assert!(schedule(TimerKind::Date, &Value::Null, now).is_err());
    }
}
